/** The short names an on-call channel really uses; an unknown name stays visible as :name:. */

const TABLE = `
white_check_mark ✅|heavy_check_mark ✔️|x ❌|negative_squared_cross_mark ❎|warning ⚠️|rotating_light 🚨|fire 🔥|eyes 👀|mag 🔍|mag_right 🔎
bell 🔔|no_bell 🔕|red_circle 🔴|large_orange_circle 🟠|large_yellow_circle 🟡|large_green_circle 🟢|large_blue_circle 🔵|white_circle ⚪|black_circle ⚫
large_orange_square 🟧|large_yellow_square 🟨|large_green_square 🟩|large_red_square 🟥|large_blue_square 🟦
hourglass ⌛|hourglass_flowing_sand ⏳|stopwatch ⏱️|alarm_clock ⏰|clock1 🕐|calendar 📅|lock 🔒|unlock 🔓|closed_lock_with_key 🔐|key 🔑|shield 🛡️
rocket 🚀|boom 💥|zap ⚡|bulb 💡|wrench 🔧|hammer 🔨|hammer_and_wrench 🛠️|gear ⚙️|package 📦|computer 💻|floppy_disk 💾|satellite 🛰️|electric_plug 🔌
chart_with_upwards_trend 📈|chart_with_downwards_trend 📉|bar_chart 📊|clipboard 📋|memo 📝|page_facing_up 📄|paperclip 📎|link 🔗|bookmark 🔖|books 📚
mailbox 📫|speech_balloon 💬|thought_balloon 💭|loudspeaker 📢|mega 📣|information_source ℹ️|question ❓|grey_question ❔|exclamation ❗|bangbang ‼️
no_entry ⛔|no_entry_sign 🚫|octagonal_sign 🛑|construction 🚧|vertical_traffic_light 🚦|checkered_flag 🏁|triangular_flag_on_post 🚩|white_flag 🏳️
arrow_up ⬆️|arrow_down ⬇️|arrow_right ➡️|arrow_left ⬅️|leftwards_arrow_with_hook ↩️|arrow_right_hook ↪️|arrows_counterclockwise 🔄|repeat 🔁|rewind ⏪
double_vertical_bar ⏸️|pause_button ⏸️|arrow_forward ▶️|black_square_for_stop ⏹️|heavy_plus_sign ➕|heavy_minus_sign ➖|heavy_multiplication_x ✖️
+1 👍|thumbsup 👍|-1 👎|thumbsdown 👎|ok_hand 👌|clap 👏|raised_hands 🙌|pray 🙏|wave 👋|point_right 👉|point_up ☝️|muscle 💪|handshake 🤝|raised_hand ✋|writing_hand ✍️
smile 😄|slightly_smiling_face 🙂|grinning 😀|wink 😉|thinking_face 🤔|neutral_face 😐|sweat_smile 😅|joy 😂|cry 😢|sob 😭|scream 😱|sleeping 😴|zzz 💤
face_with_monocle 🧐|nerd_face 🤓|sunglasses 😎|hugging_face 🤗|shrug 🤷|facepalm 🤦|man_shrugging 🤷|skull 💀|ghost 👻|robot_face 🤖|see_no_evil 🙈
heart ❤️|green_heart 💚|yellow_heart 💛|blue_heart 💙|broken_heart 💔|sparkles ✨|star ⭐|star2 🌟|tada 🎉|trophy 🏆|medal 🏅|100 💯|gift 🎁
bug 🐛|snail 🐌|turtle 🐢|whale 🐳|snake 🐍|penguin 🐧|dog 🐶|cat 🐱|duck 🦆|owl 🦉|spider 🕷️|seedling 🌱|evergreen_tree 🌲|cactus 🌵
sunny ☀️|cloud ☁️|snowflake ❄️|umbrella ☔|ocean 🌊|rainbow 🌈|earth_africa 🌍|globe_with_meridians 🌐|moon 🌙|coffee ☕|pizza 🍕|beer 🍺|cake 🍰
test_tube 🧪|microscope 🔬|telescope 🔭|dna 🧬|brain 🧠|stethoscope 🩺|pill 💊|syringe 💉|ambulance 🚑|hospital 🏥|fire_engine 🚒|fire_extinguisher 🧯
money_with_wings 💸|moneybag 💰|dollar 💵|credit_card 💳|shopping_trolley 🛒|bust_in_silhouette 👤|busts_in_silhouette 👥|detective 🕵️|guardsman 💂
wastebasket 🗑️|pushpin 📌|round_pushpin 📍|label 🏷️|receipt 🧾|scroll 📜|straight_ruler 📏|compass 🧭|anchor ⚓|ship 🚢|truck 🚚|traffic_light 🚥|thermometer 🌡️
new 🆕|ok 🆗|up 🆙|sos 🆘|recycle ♻️|infinity ♾️|copyright ©️|tm ™️|one 1️⃣|two 2️⃣|three 3️⃣|four 4️⃣|five 5️⃣|ballot_box_with_check ☑️|radio_button 🔘|beetle 🐞`;

const EMOJI = new Map(TABLE.trim().split(/[|\n]/).map((pair) => {
  const cut = pair.indexOf(" ");
  return [pair.slice(0, cut), pair.slice(cut + 1)];
}));

export const REACTION_CHOICES = ["eyes", "white_check_mark", "mag", "+1", "-1", "tada", "fire", "thinking_face"];

/** "eyes" -> "👀", or null. Skin tones are dropped. */
export function emojiFor(name) {
  return EMOJI.get(String(name).split("::")[0]) || null;
}

export const emojiNames = () => [...EMOJI.keys()];
