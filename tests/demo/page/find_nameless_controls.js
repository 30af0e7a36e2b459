// Controls without an accessible name.
() => [...document.querySelectorAll('button, input, select, textarea, a[href], iframe, [role=tab]')]
  .filter((node) => !node.closest('[hidden]'))
  .filter((node) => !(node.getAttribute('aria-label') || node.textContent.trim() || node.title || (node.labels && node.labels.length)))
  .map((node) => node.outerHTML.slice(0, 120))
