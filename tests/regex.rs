//! The module's expressions are those of `regex-lite`, which is the oracle here: what it takes is taken, what it refuses is
//! refused, and what it matches is matched, in whole texts of ASCII.
//!
//! Long: tables of expressions.

use policy::error::RegexError;
use policy::pattern::OriginRegex;
use proptest::prelude::*;
use regex_lite::{Regex, RegexBuilder};

use crate::expressions::{expression, expression_of, origin};

/// The oracle's size limit that an expression has to fit is one of its bytes on a machine of 64 bits. It is larger here, so
/// that there is an answer for every expression that the module takes.
const LARGE: usize = 4 << 20;

/// What it takes of itself, between anchors. A comment with `(?x)` may take in what closes the group.
fn oracle(text: &str, limit: usize) -> Result<Regex, String> {
    let build = |text: &str| RegexBuilder::new(text).size_limit(limit).build();
    build(text)
        .and_then(|_| build(&format!("^(?:{text})$")).or_else(|_| build(&format!("^(?:{text}\n)$"))))
        .map_err(|error| error.to_string())
}

const TOO_LARGE: &str = "compiled regex exceeded size limit";

/// What is different about an expression, if anything is.
fn difference(text: &str, texts: &[&str]) -> Option<String> {
    let ours = OriginRegex::parse(text);
    match (ours, oracle(text, LARGE)) {
        (Ok(ours), Ok(theirs)) => {
            let is_other = |it: &&&str| ours.matches_text(it) != theirs.is_match(it);
            let found = texts.iter().find(is_other)?;
            Some(format!("{text:?} on {found:?} is {}", ours.matches_text(found)))
        }
        (Err(_), Err(_)) => None,
        // What has no bytes is nothing here, however often.
        (Ok(_), Err(error)) if error == TOO_LARGE => None,
        // `regex-lite` compiles nothing of what is repeated no times.
        (Err(RegexError::Malformed(TOO_LARGE)), Ok(_)) => {
            let fits = oracle(text, 64 << 10).is_ok() && !text.contains("{0");
            fits.then(|| format!("{text:?} is too large"))
        }
        (Ok(_), Err(error)) => Some(format!("{text:?} is taken: {error}")),
        (Err(error), Ok(_)) => Some(format!("{text:?} is refused: {error}")),
    }
}

const TEXTS: [&str; 32] = [
    "",
    "a",
    "b",
    "x",
    "A",
    "1",
    "-",
    "]",
    "[",
    "^",
    " ",
    "#",
    "\n",
    "\r",
    "\r\n",
    "aa",
    "ab",
    "ba",
    "a1",
    "aaa",
    "a\nb",
    "a\r\nb",
    "a b",
    "a-",
    "-a",
    "--",
    ":",
    "Z_z",
    "k",
    "https://a.example",
    "\x7f\0",
    "{1}",
];

#[test]
fn it_is_held_against_the_oracle_by_tables() {
    let tables = [ODD, CLASSES, ESCAPES, FLAGS, REPETITIONS];
    let lines = tables.iter().flat_map(|table| table.trim_matches('\n').lines());
    let written = lines
        .flat_map(|line| line.split(" ¦ "))
        .map(|text| text.replace('⏎', "\n"));
    let expressions: Vec<_> = written.chain(CONTROLS.map(str::to_owned)).collect();
    assert!(expressions.len() > 600, "{}", expressions.len());
    let found: Vec<_> = expressions.iter().filter_map(|text| difference(text, &TEXTS)).collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// What a line of text cannot hold as it is.
const CONTROLS: [&str; 8] = [
    "\0",
    "\t",
    "\x7f",
    "\\\t",
    "\\\x7f",
    "(?x)a\x0bb",
    "(?x)a\x0cb",
    "a{\t2\n}",
];

/// Expressions between bars; `⏎` is a line feed.
const ODD: &str = r"
| ¦ || ¦ a| ¦ |a ¦ (|a) ¦ () ¦ (()) ¦ ()|() ¦ (a)(b) ¦ ( ¦ ) ¦ a)|(b ¦ (a ¦ a) ¦ (? ¦ (?: ¦ (?:) ¦ (?:a ¦ (?)
(?P ¦ (?P< ¦ (?P<a ¦ (?P<a> ¦ (?P<a>) ¦ (?<a>b) ¦ (?<>a) ¦ (?<1>a) ¦ (?<_1>a) ¦ (?<a.b[0]>a) ¦ (?<.a>a)
(?<a-b>a) ¦ (?<a>a)(?<a>a) ¦ (?<a>a)(?P<a>a) ¦ (?<a>a)(?<b>a) ¦ (?P=a) ¦ (?P>a) ¦ (?=a) ¦ (?!a) ¦ (?<=a)
(?<!a) ¦ ( ?:a) ¦ (?#a) ¦ (?'a'b) ¦ (?>a) ¦ (*a) ¦ ^ ¦ $ ¦ ^^a$$ ¦ a^ ¦ $a ¦ ^* ¦ $+ ¦ (^)*a ¦ ^a|b$ ¦ . ¦ ..
.* ¦ a.b ¦ = ¦ ! ¦ < ¦ > ¦ } ¦ ] ¦ a] ¦ a} ¦ # ¦ ~ ¦ && ¦ -- ¦ a,b ¦ (a|b|ab)(c|bcd)? ¦ (a|ab)(1|b1)? ¦ a||b
(a||b) ¦ ((a|b)|(c|d))|e ¦ (a*)* ¦ (a*)+ ¦ (a+)* ¦ (a?)? ¦ (a|b*)* ¦ (|a)* ¦ (|a)+ ¦ (\b)*a ¦ (^a|b)* ¦ (a\b|b)*
a(?:b|)c ¦ ((((((((((a))))))))))
";

const CLASSES: &str = r"
[ ¦ [] ¦ []] ¦ []a] ¦ [^] ¦ [^]] ¦ [^]a] ¦ [^ ¦ [a ¦ [a- ¦ [a-] ¦ [-a] ¦ [-] ¦ [--] ¦ [---] ¦ [- ¦ [^-a]
[^--a] ¦ [--a] ¦ [-]] ¦ [a-z] ¦ [z-a] ¦ [a-a] ¦ [a-b-c] ¦ [a-b-] ¦ [a--] ¦ [a--b] ¦ [a-c-e] ¦ [a&b] ¦ [a&&b]
[&&a] ¦ [a~~b] ¦ [a~b] ¦ [a-&&] ¦ [&-&] ¦ [&--] ¦ [+--] ¦ [!--] ¦ [,--a] ¦ [[] ¦ [[]] ¦ [a[b]] ¦ [[a] ¦ [\[]
[\]] ¦ [\]a] ¦ [^\]] ¦ [\-] ¦ [a\-z] ¦ [\^] ¦ [\\] ¦ [\d] ¦ [\D] ¦ [\w-] ¦ [\w-a] ¦ [a-\w] ¦ [\d-\w] ¦ [\s\S]
[^\s\S] ¦ [^\x00-\x7f] ¦ [^\x00-\u{10ffff}] ¦ [\b] ¦ [\B] ¦ [\A] ¦ [\z] ¦ [\b{start}] ¦ [\<] ¦ [a-\b] ¦ [\b-a]
[\n] ¦ [\x41] ¦ [\x41-\x43] ¦ [\x{41}-C] ¦ [\u{17f}] ¦ [^\u{17f}] ¦ [a-\u{212a}] ¦ [\u{80}-\u{ff}]
[^\u{80}-\u{ff}] ¦ [\p{L}] ¦ [\1] ¦ [\y] ¦ [[:alpha:]] ¦ [[:^alpha:]] ¦ [^[:alpha:]] ¦ [[:alnum:][:space:]]
[[:ascii:]] ¦ [[:blank:]] ¦ [[:cntrl:]] ¦ [[:digit:]] ¦ [[:graph:]] ¦ [[:lower:]] ¦ [[:print:]] ¦ [[:punct:]]
[[:space:]] ¦ [[:upper:]] ¦ [[:word:]] ¦ [[:xdigit:]] ¦ [[:nope:]] ¦ [[::]] ¦ [[:alpha:]-z] ¦ [a-[:alpha:]]
[[:alpha: ¦ [[:alpha]] ¦ [[:^]] ¦ [[:^ ¦ [:alpha:] ¦ [[.a.]] ¦ [[=a=]] ¦ [[: alpha:]] ¦ [.] ¦ [|] ¦ [()] ¦ [{}]
[*+?] ¦ [$] ¦ [#] ¦ [a#] ¦ [ ] ¦ [^ ] ¦ [^a] ¦ [^^] ¦ [a^] ¦ [,-:] ¦ [\x{2d}-a] ¦ [%--] ¦ [--[] ¦ [a-[] ¦ [\]-a]
[a-\]]
";

const ESCAPES: &str = r#"
\ ¦ \\ ¦ a\ ¦ \a ¦ \f ¦ \t ¦ \n ¦ \r ¦ \v ¦ \A ¦ \z ¦ \Z ¦ \Aa\z ¦ a\A ¦ \b ¦ \B ¦ \ba\b ¦ \Ba ¦ a\b- ¦ \<a
a\> ¦ \>a ¦ \< ¦ \b{start}a ¦ a\b{end} ¦ \b{start-half}a ¦ a\b{end-half} ¦ \b{start-half}- ¦ -\b{end-half}
\b{Start} ¦ \b{ ¦ \b{} ¦ \b{s ¦ \b{start ¦ \b{start] ¦ \b{start } ¦ \b{ start} ¦ \b{-} ¦ \b{2} ¦ \b{2,}a
\b{,2} ¦ \b+ ¦ \b*a ¦ \b{start}+a ¦ \B{start} ¦ .\b. ¦ .\B. ¦ .\B.\B. ¦ .\<. ¦ .\>. ¦ .\b{start-half}. ¦ .\b{end-half}. ¦ \0 ¦ \1 ¦ \8 ¦ \9 ¦ \p ¦ \pL ¦ \p{L} ¦ \P{L} ¦ \c ¦ \e ¦ \h ¦ \K
\Q ¦ \R ¦ \X ¦ \G ¦ \y ¦ \d ¦ \D ¦ \s ¦ \S ¦ \w ¦ \W ¦ \d+ ¦ \W* ¦ \. ¦ \- ¦ \  ¦ \# ¦ \& ¦ \~ ¦ \/ ¦ \: ¦ \!
\" ¦ \' ¦ \% ¦ \, ¦ \; ¦ \= ¦ \@ ¦ \_ ¦ \` ¦ \{ ¦ \} ¦ \[ ¦ \] ¦ \( ¦ \) ¦ \| ¦ \^ ¦ \$ ¦ \* ¦ \+ ¦ \? ¦ \⏎ ¦ \x
\x4 ¦ \x41 ¦ \x411 ¦ \xg1 ¦ \x4g ¦ \x{ ¦ \x{} ¦ \x{4 ¦ \x{41} ¦ \x{041} ¦ \x{0000000000041} ¦ \x{41 ¦ \x{g}
\x{ 41} ¦ \x{110000} ¦ \x{10ffff} ¦ \x{d800} ¦ \x{fffffffff} ¦ \x{61}{2} ¦ \u ¦ \u004 ¦ \u0041 ¦ \u{41} ¦ \ud800
\u212a ¦ \U ¦ \U0000004 ¦ \U00000041 ¦ \U{41} ¦ \U00110000 ¦ \UFFFFFFFF ¦ \xFF ¦ \x0a ¦ \x 41 ¦ \x4 1 ¦ \u{212a}
\u{17f} ¦ \x7f
"#;

const FLAGS: &str = r"
(?i)a ¦ (?i)K ¦ (?i)[a-b] ¦ (?i)[^a] ¦ (?i)\x41 ¦ (?i)[\x41] ¦ (?i)[\x41-\x43] ¦ (?i)[0-\x39] ¦ (?i)[A-z]
(?i)[Z-a] ¦ (?i)[Y-Z[-a] ¦ (?i)[X-Z[-b] ¦ (?i)[A-MZ-a] ¦ (?i)[^Z-a] ¦ (?i)[[:upper:]] ¦ (?i)[[:^lower:]]
(?i)\w ¦ (?i)[\u{212a}] ¦ (?i)\u{212a} ¦ (?i)\u{17f} ¦ (?i)[k-\u{212a}] ¦ (?i)[^K] ¦ (?i)[B-Z\[-`a-y] ¦ (?i:a)a
a(?i)a ¦ (a(?i)a)a ¦ (?i)(?-i)a ¦ (?-i)a ¦ (?i-i)a ¦ (?ii)a ¦ (?i-)a ¦ (?-)a ¦ (?-:a) ¦ (?--i)a ¦ (?i-s-m)
(?i: ¦ (?i ¦ (?i- ¦ (?y) ¦ (?I) ¦ (? i) ¦ (?i ) ¦ (?is:a.) ¦ (?s). ¦ (?s:.) ¦ (?-s). ¦ (?R). ¦ (?Rs). ¦ (?m)^a$
(?m)a$\n^b ¦ (?m)a$(?s:.)+^b ¦ (?mR)a$(?s:.)+^b ¦ (?mR)a$\r^\n ¦ (?mR)a\r$\n^b ¦ (?mR)a$\r\n^b ¦ (?R)a$
(?mR)^$ ¦ (?mR)\r^\n ¦ (?mR)^\r$\n ¦ (?m)^\n$ ¦ (?m)(?-m)^a$ ¦ (?U)a* ¦ (?U)a*? ¦ (?u)a ¦ (?-u)a ¦ (?u-u)a
(?-u:\xff) ¦ (?imsUuxR)a b ¦ (?imsUuxR-) ¦ (?i)( ¦ a(?i)* ¦ (?i)* ¦ a|(?i)* ¦ a(?i)+b ¦ a{2}(?i){2} ¦ (?i)|A
(?i)a|B ¦ ((?i)a|B)b ¦ (?x)a b ¦ (?x) a # b ¦ (?x)a # b⏎ b ¦ (?x)a #) ¦ (?x)a# ¦ (?x)# ¦ (?x)a # b⏎#c ¦ (?x)  ¦ (?x)
(?x)\  ¦ (?x)a\ b ¦ (?x)a\# ¦ (?x)[ ] ¦ (?x)[ a ] ¦ (?x)[ ]] ¦ (?x)[ ^ a] ¦ (?x)[ ^ ] ] ¦ (?x)[ - a]
(?x)[ ^ - - a ] ¦ (?x)[a - b] ¦ (?x)[a - ] ¦ (?x)[a -#]⏎] ¦ (?x)[a-#] ¦ (?x)[a #b]⏎] ¦ (?x)[a -# #]⏎]
(?x)[a -#-⏎] ¦ (?x)[a - - b] ¦ (?x)[a- #z⏎ b] ¦ (?x)[[:alpha:] ] ¦ (?x)[[ :alpha:]] ¦ (?x)[& &] ¦ (?x)[a - #
(?x)( ?i)A ¦ (?x)( ?:a) ¦ (?x)(? :a) ¦ (?x)(?: a ) ¦ (?x)(?<a >b) ¦ (?x)( # a⏎?i:A) ¦ (?x: a # b)
(?x: a # b⏎)  ¦ (?x:a b)  ¦ (?x:a)# ¦ ((?x)a #⏎)b ¦ ((?x)a #)b ¦ (?x)a * ¦ (?x)a * ? ¦ (?x)a *? ¦ (?x)a ? ?
(?x)a { 2 } ¦ (?x)a{ 2 , 3 } ¦ (?x)a{2, } ¦ (?x)a{2 #}⏎} ¦ (?x)a{1 1} ¦ (?x)a{1,#}⏎} ¦ (?x)a{2} ?
(?x)a{2} #⏎ ? ¦ (?x)\x 4 1 ¦ (?x)\x { 4 1 } ¦ (?x)\x {4#⏎1} ¦ (?x)\u 0 0 4 1 ¦ (?x)\b {start}
(?x)\b{ st art }a ¦ (?x)\b{start#⏎}a ¦ (?x)\b { 2 } ¦ (?x)\ d ¦ (?x)(?-x)a b ¦ (?x)(?-x: ) ¦ (?x)(?#a) ¦ (?x)[#]
(?x)[#⏎] ¦ (?x)[^#⏎]] ¦ (?x)\ ¦ (?x)a |⏎ b ¦ (?x)| ¦ a (?x) # ¦ (?x)[\x 41 - \x 43]
";

const REPETITIONS: &str = r"
* ¦ + ¦ ? ¦ { ¦ {2} ¦ {,2} ¦ *a ¦ (*) ¦ (+) ¦ |* ¦ (|*) ¦ a|* ¦ (?:*) ¦ a* ¦ a+ ¦ a? ¦ a*? ¦ a+? ¦ a?? ¦ a**
a*+ ¦ a++ ¦ a?* ¦ a?+? ¦ a*** ¦ a*?? ¦ a???? ¦ a{ ¦ a{} ¦ a{,} ¦ a{,2} ¦ a{ ,2} ¦ a{2 ¦ a{2, ¦ a{2,3 ¦ a{2}
a{2,} ¦ a{2,3} ¦ a{3,2} ¦ a{2,2} ¦ a{0} ¦ a{0,0} ¦ a{0,1} ¦ a{0,} ¦ a{1} ¦ a{1,1} ¦ a{1,} ¦ a{0}b ¦ a{0}*
a{0}{5} ¦ (a{0})+b ¦ (a|b){0}a ¦ a{2}{3} ¦ a{2}{3}? ¦ a{2}? ¦ a{2}?? ¦ a{2}* ¦ a{2,}+ ¦ a{2,3}{0,2} ¦ a{ 2 }
a{ 2, 3 } ¦ a{2 ,3} ¦ a{2,3 } ¦ a{2, } ¦ a{2 3} ¦ a{2x} ¦ a{2,x} ¦ a{2,3x} ¦ a{x} ¦ a{-1} ¦ a{+1} ¦ a{02}
a{2;3} ¦ a{2,3,4} ¦ a{2}} ¦ a{2}{ ¦ x{1001} ¦ a{4294967296} ¦ a{0,4294967296} ¦ (){4294967296} ¦ a{4294967295}
a{99999999999999999999} ¦ (){1000} ¦ (?:){9}* ¦ (|){9} ¦ (){2,}b ¦ (a|b){2,3} ¦ (ab){2} ¦ (a{2}){2}
((a|b)*1){2} ¦ (a?){3} ¦ (a*){2,3} ¦ (a|b|){2} ¦ [a-b]{2} ¦ (?i:a){2} ¦ (^a){2} ¦ (a$){2} ¦ (\ba){1,2} ¦ .{2}
\n{2} ¦ ^{2}a ¦ ${2} ¦ ()* ¦ ()+ ¦ ()? ¦ (()*)* ¦ (a{0,2}b?){1,2}
";

/// Most mistakes are said in the oracle's words.
#[test]
fn it_says_what_the_oracle_says() {
    for text in [
        "(a",
        "a)|(b",
        "*a",
        "{2}",
        "a{2",
        "a{2x}",
        "a{x}",
        "a{3,2}",
        "(?=a)",
        "(?<!a)",
        "(?y)",
        "(?)",
        "(?ii)",
        "(?i--s)",
        "(?<a>a)(?<a>b)",
        "(?<->a)",
        r"\1",
        r"\p{L}",
        r"\y",
        "[a",
        "[z-a]",
        r"[a-\w]",
        r"[\b]",
        "[[a]]",
        r"\b{x}",
        "a{16385}",
    ] {
        let theirs = oracle(text, 64 << 10).unwrap_err();
        let ours = OriginRegex::parse(text).unwrap_err();
        // These have several texts there.
        let is_alike = match text {
            "[a" | r"\b{x}" | "a{2" => true,
            _ => ours.to_string() == theirs,
        };
        assert!(is_alike, "{text}: {ours}, not {theirs}");
    }
}

/// As deep as may be, and one deeper, in everything that makes an expression deep.
#[test]
fn it_is_as_deep_as_the_oracle() {
    let wrap = |open: &str, close: &str, count: usize| format!("{}a{}", open.repeat(count), close.repeat(count));
    let mut found = Vec::new();
    for count in [1, 2, 15, 16, 17, 23, 24, 25, 26, 47, 48, 49, 50, 51, 52, 99] {
        for (open, close) in [
            ("(", ")"),
            ("(?:", ")"),
            ("(?i:", ")"),
            ("(a", ")"),
            ("(?:a", ")"),
            ("(a|", ")"),
            ("(?:a|", ")"),
            ("(", "b)"),
            ("(?:", "b)"),
            ("(", "|b)"),
            ("(", ")*"),
            ("(?:", ")*"),
            ("(?:", "){1}"),
            ("(?:", "){0}"),
            ("(?:", "){2}"),
            ("(?:()", "|b)"),
            ("", "*"),
            ("", "{1}"),
            ("", "?*"),
            ("(?i)(", ")"),
        ] {
            let text = wrap(open, close, count);
            for text in [
                text.clone(),
                format!("{text}{{0}}"),
                format!("{text}b"),
                format!("b|{text}"),
                format!("ab|{text}"),
                format!("(?x){text} #"),
            ] {
                found.extend(difference(&text, &TEXTS));
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// What `regex-lite` takes in the module, where one of its states has 16 bytes of its 64 KiB, is taken.
#[test]
fn it_takes_what_is_large_and_no_more() {
    let alternatives = |of: &str, count: usize| vec![of; count].join("|");
    for text in [
        "a{16384}".to_owned(),
        "[ab]{16380}".to_owned(),
        "a{0,8192}".to_owned(),
        "a{16383,}".to_owned(),
        "[a-z0-9-]{1,1000}".to_owned(),
        "(a|b){700}".to_owned(),
        "(?:[a-z]+x){600}".to_owned(),
        "|".repeat(8192),
        alternatives("a", 3270),
        alternatives("[ab]", 2330),
        alternatives("a?", 1000),
        alternatives("(?<name>a)|b", 1),
        alternatives(r"https://[a-z]+\.example", 100),
        "(?i)abcdefgh".repeat(220),
    ] {
        assert!(OriginRegex::parse(&text).is_ok(), "{} bytes", text.len());
    }
    for text in [
        "a{16385}",
        "(a{129}){129}",
        "(((a{100}){100}){100})",
        "[ab]{16381}",
        "a{0,8193}",
        "a{16384,}",
        "[a]b[a]{16375}",
    ] {
        assert_eq!(
            OriginRegex::parse(text).err(),
            Some(RegexError::Malformed(TOO_LARGE)),
            "{text}"
        );
    }
    assert!(OriginRegex::parse(&"|".repeat(8193)).is_err());
    let name = |number: usize| format!("(?<n{number}>)");
    let names: String = (0..5000).map(name).collect();
    assert!(OriginRegex::parse(&names).is_err(), "each is compared with each");
}

/// No origin has more than ASCII, whatever an expression names.
#[test]
fn what_is_not_ascii_matches_nothing() {
    for text in [
        r"\xc3\xa9",
        r"\u{e9}",
        "..",
        ".",
        "[^a][^b]",
        r"\W+",
        r"[\u{80}-\u{ff}]+",
        r"(?i)\u{c9}",
    ] {
        assert!(!OriginRegex::parse(text).unwrap().matches_text("\u{e9}"), "{text}");
    }
}

/// What takes another engine longer than anybody waits.
#[test]
fn it_takes_linear_time() {
    let text = "a".repeat(2000);
    for expression in [
        "(a*)*b",
        "(a|a)*b",
        "((a?){9}){9}b",
        "(?:a?){1000}a{1000}",
        "(.*)(.*)(.*)(.*)b",
        "(a{0,90}){90}b",
    ] {
        let regex = OriginRegex::parse(expression).unwrap();
        assert!(regex.matches_text(&text) != expression.ends_with('b'), "{expression}");
    }
}

/// Every short text of these, up to three of them, and so many longer ones.
#[test]
fn it_is_held_against_the_oracle_by_force() {
    const LETTERS: &[u8; 28] = br"()[]{}|*+?\^$-,:a1bx=!<>#&~ ";
    let mut found = Vec::new();
    let mut check = |mut number: u64, length: usize, flags: &str| {
        let mut text = flags.to_owned();
        for _ in 0..length {
            text.push(char::from(LETTERS[usize::try_from(number % 28).unwrap()]));
            number /= 28;
        }
        found.extend(difference(&text, &TEXTS));
    };
    for length in 1..=3 {
        for number in 0..28_u64.pow(u32::try_from(length).unwrap()) {
            check(number, length, "");
        }
    }
    let mut random = 1_u64;
    for at in 0..150_000 {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        check(
            random >> 16,
            4 + at % 6,
            ["", "a", "(?x)", "[a", "(?", "(a", "a{", r"\", "(?i)["][at % 9],
        );
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// An expression, with some letters of it changed for others.
fn spoiled() -> impl Strategy<Value = String> {
    let changes = proptest::collection::vec((any::<proptest::sample::Index>(), r"([ -~\n]|)", 0..3_usize), 0..3);
    let origins =
        (origin(), proptest::collection::vec(any::<u8>(), 48)).prop_map(|(it, choices)| expression_of(&it, &choices));
    (prop_oneof![2 => expression(), 1 => origins], changes).prop_map(|(mut text, changes)| {
        for (at, new, count) in changes {
            let at = at.index(text.len() + 1);
            text.replace_range(at..text.len().min(at + count), &new);
        }
        text
    })
}

proptest! {
    #[test]
    fn it_is_held_against_the_oracle_by_chance(
        text in spoiled(),
        origins in proptest::collection::vec(origin(), 6),
        others in proptest::collection::vec("([ -~\n\r\t]{0,9}|[a-b1\n]{0,5}|[\0-\x7f]{0,3})", 6),
    ) {
        let texts: Vec<_> = origins.iter().chain(&others).map(String::as_str).collect();
        prop_assert_eq!(difference(&text, &texts).filter(|_| !text.is_empty()), None);
    }

    /// One that matches its text, mostly.
    #[test]
    fn it_matches_what_the_oracle_matches(origin in origin(), choices in proptest::collection::vec(any::<u8>(), 48)) {
        let text = expression_of(&origin, &choices);
        prop_assert_eq!(difference(&text, &[&origin, &origin.replace('k', "s"), &origin.replace('a', "aa")]), None);
    }
}
