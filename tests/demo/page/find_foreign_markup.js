// Given a selector: everything below it that message text must never be able to create.
(root) => {
  const found = [];
  for (const node of document.querySelector(root).querySelectorAll('*')) {
    const tag = node.localName;
    if (['script', 'iframe', 'object', 'embed', 'style', 'base', 'link', 'meta'].includes(tag)) found.push(tag);
    if (tag === 'img' && !node.closest('.image-button, .thumb')) found.push('img');
    if (tag === 'svg' && !node.matches('.icon, .lighthouse')) found.push('svg');
    for (const { name, value } of node.attributes) {
      if (name.startsWith('on') || name === 'srcdoc') found.push(`${tag}@${name}`);
      if (['href', 'src', 'action', 'formaction'].includes(name) && !/^(https?:|mailto:|tel:|\/)/i.test(value)) found.push(`${tag}@${name}=${value}`);
    }
  }
  if (window.pwned) found.push('code ran');
  return found;
}
