//! What the invented creators say: short, in several scripts, and with what trips careless readers.

const BIOS: [&str; 8] = [
    "Not a real person. Ceramics, slowly.",
    "Invented. Bread at six, every day 🥐",
    "אני לא אמיתית 🌿 ציורים קטנים",
    "Simulated account.\nCommissions ↓",
    "شخصية خيالية 🎨",
    "I do not exist & neither does my cat",
    "👩🏽‍🎨🏳️‍🌈 made up",
    "",
];

const CAPTIONS: [&str; 14] = [
    "First light on the kiln. #invented",
    "مجموعة جديدة 🌍\n#تصميم",
    "יום טוב 👩‍🚀✨",
    "",
    "<b>html & \"quotes\"</b>",
    "👩🏽‍🎨👨‍👩‍👧‍👦 family, é combining, zero\u{200b}width",
    "Three things nobody tells you about clay",
    "Behind the scenes \\ backslash / slash",
    "𝓢𝓵𝓸𝔀 𝓶𝓸𝓻𝓷𝓲𝓷𝓰",
    "We tried the impossible loaf (part 2) #sourdough",
    "Как собрать стенд #своимируками",
    "Q&A: ask me anything",
    "100 % not sponsored",
    "One year of mornings in sixty seconds",
];

/// A few words about oneself.
pub(super) fn bio(seed: u64) -> &'static str {
    pick(&BIOS, seed)
}

/// A caption, which may be empty.
pub(super) fn caption(seed: u64) -> &'static str {
    pick(&CAPTIONS, seed)
}

fn pick(from: &'static [&'static str], seed: u64) -> &'static str {
    let at = seed as usize % from.len();
    from.get(at).copied().unwrap_or_default()
}
