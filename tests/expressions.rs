//! What `check` says of expressions, over all origins that there can be.
//!
//! Long: tables of expressions, each with what `check` says of it.

use crate::support;
use std::fs;
use std::time::{Duration, Instant};

use analysis::check::check;
use analysis::{Budget, Expression, HttpSearch, Judgement, Outside, dead_alternatives, judge};
use policy::origin::Origin;
use policy::pattern::{MAX_EXPRESSIONS, OriginRegex};
use proptest::prelude::*;
use proptest::test_runner::{TestCaseError, TestRunner};
use regex_syntax::ast::parse::Parser;
use regex_syntax::ast::{Ast, RepetitionKind, RepetitionRange};
use serde_json::{Value, json};

/// What is found of an expression that loads; one that does not is like none that a test expects.
fn verdict(text: &str) -> Judgement {
    judge(text, &mut Budget::default()).unwrap_or(Judgement::Unknown)
}

fn expression_size(text: &str) -> usize {
    OriginRegex::parse(text).unwrap().size()
}

fn matches(regex: &OriginRegex, origin: &str) -> bool {
    Origin::parse(origin.as_bytes()).is_ok_and(|it| regex.matches(&it))
}

#[test]
fn every_warning_is_the_one_that_it_should_be() {
    let text = fs::read_to_string(support::cases_dir().join("check/expressions.json")).unwrap();
    let suite: Value = serde_json::from_str(&text).unwrap();
    let mut failures = Vec::new();
    for case in suite["cases"].as_array().unwrap() {
        let key = case["key"].as_str().unwrap_or("allowed_origin_regexes");
        let value = case["value"].as_str().unwrap();
        let policy = match key {
            "csrf.trusted_origins" => json!({"allowed_hosts": ["a"], "csrf": {"trusted_origins": [value]}}),
            "policies[0].match.path_prefixes" => json!({
                "allowed_hosts": ["a"], "policies": [{"match": {"path_prefixes": [value]}, "csrf": {}}],
            }),
            _ => json!({"allowed_hosts": ["a"], key: [value]}),
        };
        let checked = check(policy.to_string().as_bytes(), &[]);
        let seen = checked.warning_codes.iter().zip(&checked.warnings);
        // Another check's, of what these say of themselves.
        let is_about = |code: &str| code != "origin_loopback" || case["code"] == *code;
        let seen: Vec<_> = seen.filter(|(code, _)| is_about(code)).collect();
        let is_right = match (case["code"].as_str(), seen.as_slice()) {
            (None, []) => true,
            (Some(code), [(seen, text)]) => {
                let place = format!("{key}[0]: `{value}`: ");
                let says = support::strings(&case["says"]);
                **seen == code && text.starts_with(&place) && says.iter().all(|it| text.contains(it.as_str()))
            }
            _ => false,
        };
        if !checked.errors.is_empty() || !is_right {
            failures.push(format!("{value}\n  want {case}\n  got {seen:?} {:?}", checked.errors));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// They are found wherever they stand, by the name that the operator gave them.
#[test]
fn expressions_are_found_everywhere() {
    let policy = r#"{
        "django_env": true,
        "policies": [{"match": {"hosts": ["b"]}, "allowed_origin_regexes": ["https://b\\.example", "https://.*b\\.example"]}]
    }"#;
    let environment = crate::variables(&[
        ("CORS_ALLOWED_ORIGIN_REGEXES", r"^https://.*a\.example$"),
        ("ALLOWED_HOSTS", "a.example"),
    ]);
    let warnings = check(policy.as_bytes(), &environment).warnings;
    for place in [
        "CORS_ALLOWED_ORIGIN_REGEXES[0]: ",
        "policies[0].allowed_origin_regexes[1]: ",
    ] {
        let is_there = |it: &String| it.starts_with(place) && it.contains("matches too");
        assert!(warnings.iter().any(is_there), "{place}: {warnings:#?}");
    }
}

/// A thousand expressions of every kind, and some that are made to be hard.
#[test]
fn many_expressions_take_seconds() {
    let mut expressions = Vec::new();
    for at in 0..250 {
        expressions.extend([
            format!(r"https://[a-z0-9-]+\.customer{at}\.example\.com"),
            format!(r"^https://(www|api)\.brand{at}\.(com|net)(:\d+)?$"),
            format!(r"https://.*shop{at}\.example"),
            format!(r"https://shop{at}\.example.*"),
        ]);
    }
    let policy = json!({"allowed_hosts": ["a"], "allowed_origin_regexes": expressions}).to_string();
    let begin = Instant::now();
    let checked = check(policy.as_bytes(), &[]);
    let took = begin.elapsed();
    assert_eq!(
        (checked.errors.len(), checked.warnings.len()),
        (0, 500),
        "{:?}",
        checked.errors
    );
    println!("1,000 expressions: {took:?}");
    let mut budget = Budget::default();
    for hard in [
        r"https://(a|b)*a(a|b){200}\.example\.com",
        r"https://[a-z]{1,60}\.[a-z]{1,60}\.[a-z]{1,60}\.acme\.dev",
        r"https://((a|b)(c|d)(e|f)(g|h)(i|j)(k|l)(m|n)(o|p)(q|r)(s|t)(u|v)(w|x)){1,3}\.example",
        r"https://(a|b)(c|d)(e|f)(g|h)(i|j)(k|l)(m|n)(o|p)(q|r)(s|t)(u|v)(w|x)(y|z)(0|1)(2|3)(4|5)(6|7)\.example",
        r".*(a.{90}|b.{80}|c.{70})\.acme\.dev",
    ] {
        let _ = judge(hard, &mut budget);
    }
    println!("and the hard ones: {:?}", begin.elapsed());
    assert!(begin.elapsed() < Duration::from_secs(300), "{:?}", begin.elapsed());
}

#[test]
fn expressions_have_a_common_bound() {
    let entry = |count: usize| format!(r"https://(a{{{count}}})\.example");
    let policy = |sizes: &[usize]| {
        let entries: Vec<_> = sizes.iter().map(|it| entry(*it)).collect();
        let half = entries.len() / 2;
        json!({
            "allowed_hosts": ["a"],
            "allowed_origin_regexes": entries[..half],
            "policies": [{"match": {"hosts": ["b"]}, "allowed_origin_regexes": entries[half..]}],
        })
        .to_string()
    };
    assert_eq!(expression_size(&entry(1000)), 1017);
    let count = MAX_EXPRESSIONS / 1017;
    assert!(config::load(policy(&vec![1000; count]).as_bytes()).is_ok());
    let errors = config::load(policy(&vec![1000; count + 8]).as_bytes())
        .unwrap_err()
        .errors;
    let codes: Vec<_> = errors.iter().map(config::Diagnostic::code).collect();
    assert_eq!(codes, ["regex_total_size"], "one error, not one for each");
    let place = format!("policies[0].allowed_origin_regexes[{}]", count - (count + 8) / 2);
    assert_eq!(errors[0].path(), place);
    assert!(errors[0].to_string().contains(&MAX_EXPRESSIONS.to_string()));
}

/// Parts of which many expressions are about the same few names.
pub(crate) fn expression() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        6 => "(app|a|b|evil|x|www|shop-|K|S|-|_|1|42|com|net|example|dev|co\\\\\\.uk|vercel\\\\\\.app|localhost)",
        4 => "(\\\\\\.|\\\\\\.|\\.|:|/|://|https|http|HTTP)",
        3 => "(\\.\\*|\\.\\+|\\\\d|\\\\D|\\\\w|\\\\W|\\\\s|\\\\S|\\[a-z\\]|\\[a-z0-9-\\]\\+|\\[\\^\\.\\]|\\[ab\\]|\\[A-Z\\]|\\[\\[:alpha:\\]\\]|\\[\\[:\\^digit:\\]\\.\\])",
        2 => "(\\[\\^K\\]|\\[\\\\W\\]|\\[\\[:upper:\\]x\\]|\\[\\\\u\\{212a\\}\\]|\\\\x\\{17f\\}|\\[\\^\\\\u\\{212a\\}\\]|\\\\x41|\\\\u0061|\\\\n| )",
        2 => "(\\^|\\$|\\\\b|\\\\B|\\\\A|\\\\z|\\\\<|\\\\>|\\\\b\\{start\\}|\\\\b\\{end\\}|\\\\b\\{start-half\\}|\\\\b\\{end-half\\})",
        1 => "(\\(\\?i\\)|\\(\\?s\\)|\\(\\?m\\)|\\(\\?x\\)|\\(\\?R\\)|\\(\\?U\\)|\\(\\?-i\\)|\\(\\?mR\\)|\\(\\?u\\)|\\(\\?-u\\))",
    ];
    let concat = |inner: BoxedStrategy<String>| {
        (proptest::collection::vec((inner, "(|||||\\?|\\*|\\+|\\*\\?|\\{2\\}|\\{0,2\\}|\\{1,\\})"), 1..5))
            .prop_map(|parts| parts.into_iter().map(|(part, count)| part + &count).collect::<String>())
    };
    let nested = piece.boxed().prop_recursive(3, 12, 4, move |inner| {
        let inner = concat(inner.boxed()).boxed();
        prop_oneof![
            3 => inner.clone(),
            1 => inner.clone().prop_map(|it| format!("({it})")),
            1 => (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("(?:{a}|{b})")),
            1 => inner.prop_map(|it| format!("(?i:{it})")),
        ]
    });
    (
        "(|\\^|\\(\\?i\\)|\\(\\?x\\))",
        "(https://|https\\?://|http://|\\.\\*://|\\.\\*|)",
        proptest::collection::vec(nested, 1..4),
        "(|\\\\\\.example|\\\\\\.com|app\\\\\\.dev|\\\\\\.app\\\\\\.dev|:\\\\d\\+|\\$|\\.\\*| # a\\)| # \\(|#\\n)",
    )
        .prop_map(|(flags, scheme, parts, end)| format!("{flags}{scheme}{}{end}", parts.concat()))
}

pub(crate) fn origin() -> impl Strategy<Value = String> {
    let label = "(app|a|b|evil|x|www|shop-|shop-a|k|s|_|-|1|42|com|net|example|dev|evilapp|appx|aapp)";
    let name = proptest::collection::vec(label, 1..5).prop_map(|labels| labels.join("."));
    let end = "(|\\.example|\\.com|\\.app\\.dev|\\.co\\.uk|\\.vercel\\.app|\\.localhost|\\.)";
    let host = prop_oneof![
        9 => (name, end).prop_map(|(name, end)| name + &end),
        1 => "(127\\.0\\.0\\.1|10\\.1\\.1\\.1|\\[::1\\]|\\[::2\\]|localhost)",
    ];
    ("(https|https|http|app|ws)", host, "(|||:1|:42|:443|:8080)")
        .prop_map(|(scheme, host, port)| format!("{scheme}://{host}{port}"))
}

/// An expression made of an origin, which it then mostly matches: a byte becomes a class, is folded or repeated, and
/// boundaries are put between.
pub(crate) fn expression_of(origin: &str, choices: &[u8]) -> String {
    let mut text = String::new();
    for (letter, choice) in origin.chars().zip(choices.iter().cycle()) {
        let plain = match letter {
            'a'..='z' | '0'..='9' | '/' | ':' | '_' => letter.to_string(),
            _ => format!("\\{letter}"),
        };
        let upper = letter.to_ascii_uppercase();
        text += &match choice % 128 {
            0 => ".".to_owned(),
            1 => ".*".to_owned(),
            2 => format!("[{plain}x]"),
            3 if letter.is_ascii_digit() => r"\d+".to_owned(),
            3 if letter.is_ascii_alphabetic() => "[[:alpha:]]+".to_owned(),
            4 => format!(
                "(?i:{})",
                upper.to_string().replace(|it: char| !it.is_alphabetic(), &plain)
            ),
            5 => format!("(?i:[^{}])", if letter == 'k' { 'S' } else { 'K' }),
            6 => format!("(?:{plain}|evil)"),
            7 => format!("{plain}?"),
            8 => format!(r"{plain}\b"),
            9 => format!(r"\B{plain}"),
            10 => format!(r"\b{{start-half}}{plain}"),
            11 => format!(r"{plain}\b{{end}}"),
            12 => format!("(?m:^|){plain}"),
            13 => format!("{plain}{{1,2}}"),
            14 if letter.is_ascii_alphabetic() => r"\w".to_owned(),
            15 => r"\S".to_owned(),
            16 if letter.is_ascii_alphabetic() => "(?i:[[:upper:]])".to_owned(),
            17 if letter.is_ascii_alphabetic() => format!("(?i:[{upper}-{upper}])"),
            18 => format!(r"(?i:{plain}|\u{{212a}}|[\u{{17f}}])"),
            _ => plain,
        };
    }
    text
}

/// An expression, and an origin that it may have been made of.
fn expressions() -> impl Strategy<Value = (String, String)> {
    let nearest = (origin(), proptest::collection::vec(any::<u8>(), 48));
    prop_oneof![
        1 => (expression(), origin()),
        2 => nearest.prop_map(|(origin, choices)| (expression_of(&origin, &choices), origin)),
    ]
}

/// Fewer cases than of other properties, whatever the environment says: each builds automata.
fn check_each<S: Strategy>(strategy: S, test: impl Fn(S::Value) -> Result<(), TestCaseError>) {
    let config = ProptestConfig {
        cases: ProptestConfig::default().cases.div_ceil(32),
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    if let Err(error) = TestRunner::new(config).run(&strategy, test) {
        panic!("{error}");
    }
}

fn origins() -> impl Strategy<Value = Vec<String>> {
    proptest::collection::vec(origin(), 24)
}

/// The automata of the command and the matcher in the module hold expressions for the same language.
#[test]
fn both_libraries_have_one_language() {
    check_each((expressions(), origins()), one_language);
}

fn one_language(((text, origin), mut origins): ((String, String), Vec<String>)) -> Result<(), TestCaseError> {
    origins.extend([
        origin.replace('k', "s"),
        origin.replace('s', "k"),
        origin.replace('a', "aa"),
        origin,
    ]);
    let Ok(regex) = OriginRegex::parse(&text) else {
        return Ok(());
    };
    prop_assert_eq!(regex.text(), &text);
    let Some(Ok(mut expression)) = Expression::read(&text) else {
        prop_assert_eq!(judge(&text, &mut Budget::default()), Some(Judgement::Unknown));
        return Ok(());
    };
    for origin in origins {
        let seen = expression.is_match(&origin);
        prop_assert_eq!(seen, Some(matches(&regex, &origin)), "{} on {}", text, origin);
    }
    Ok(())
}

/// The search over all origins says what reading one by one says.
#[test]
fn a_verdict_holds_for_every_origin() {
    check_each((expressions(), origins()), holds);
}

fn holds(((text, origin), mut origins): ((String, String), Vec<String>)) -> Result<(), TestCaseError> {
    origins.push(origin);
    let Ok(regex) = OriginRegex::parse(&text) else {
        return Ok(());
    };
    let verdict = verdict(&text);
    let Some(Ok(mut expression)) = Expression::read(&text) else {
        return Ok(());
    };
    let found = HttpSearch::default().of(&text);
    for origin in &origins {
        if let Some(rest) = origin.strip_prefix("http://").filter(|_| matches(&regex, origin)) {
            let is_local = Origin::parse(origin.as_bytes()).is_ok_and(|it| it.host.is_loopback());
            let holds = found.is_none_or(|it| it.any && (it.loopback || !is_local));
            prop_assert!(holds, "{} on {}", text, rest);
        }
        let is_page = !origin.starts_with("ws:");
        if !is_page || !matches(&regex, origin) {
            continue;
        }
        match &verdict {
            Judgement::Named => prop_assert_eq!(expression.is_named(origin), Some(true), "{} on {}", text, origin),
            Judgement::Never { .. } | Judgement::Socket { .. } => prop_assert!(false, "{} matches {}", text, origin),
            _ => {}
        }
    }
    match verdict {
        Judgement::Outside {
            what, origin, instead, ..
        } => {
            prop_assert!(matches(&regex, &origin), "{} does not match {}", text, origin);
            if !matches!(what, Outside::Below { .. }) {
                prop_assert_eq!(expression.is_named(&origin), Some(false), "{} on {}", text, origin);
            }
            let Some(instead) = instead else { return Ok(()) };
            let narrower = OriginRegex::parse(&instead).unwrap();
            prop_assert!(!matches(&narrower, &origin), "{} still matches {}", instead, origin);
            for origin in origins {
                let is_wider = matches(&narrower, &origin) && !matches(&regex, &origin);
                prop_assert!(!is_wider, "{} of {} matches {}", instead, text, origin);
            }
        }
        Judgement::Never { instead: Some(instead) } => {
            prop_assert_eq!(judge(&instead, &mut Budget::default()), Some(Judgement::Named));
        }
        _ => {}
    }
    Ok(())
}

/// An alternative that never matches can be taken out, and the expression matches what it did.
#[test]
fn nothing_is_matched_by_a_dead_alternative() {
    check_each((expressions(), origins()), is_dead);
}

fn is_dead(((text, origin), mut origins): ((String, String), Vec<String>)) -> Result<(), TestCaseError> {
    origins.push(origin);
    for part in dead_alternatives(&text, &mut Budget::default()) {
        // Only what stands in one place can be taken out by its text, and flags hold for what is behind them.
        if part.is_empty() || part.contains("(?") || text.matches(&part).count() != 1 {
            continue;
        }
        let regex = OriginRegex::parse(&text).unwrap();
        let without = OriginRegex::parse(&text.replacen(&part, r"\b\B", 1)).unwrap();
        for origin in origins.iter().filter(|it| !it.starts_with("ws")) {
            let is_same = matches(&regex, origin) == matches(&without, origin);
            prop_assert!(is_same, "{} matches {} by {}", text, origin, part);
        }
    }
    Ok(())
}

/// An expression as its parser has it, written out.
fn written(ast: &Ast) -> usize {
    match ast {
        Ast::Empty(_) | Ast::Flags(_) => 0,
        Ast::Group(group) => 1 + written(&group.ast),
        Ast::Alternation(it) => it.asts.iter().map(written).sum::<usize>() + it.asts.len() - 1,
        Ast::Concat(it) => it.asts.iter().map(written).sum(),
        Ast::Repetition(it) => {
            let lazy = usize::from(!it.greedy);
            lazy + match &it.op.kind {
                RepetitionKind::Range(range) => {
                    let (RepetitionRange::Exactly(most)
                    | RepetitionRange::AtLeast(most)
                    | RepetitionRange::Bounded(_, most)) = *range;
                    match usize::try_from(most).unwrap() {
                        0 | 1 => written(&it.ast) + 1,
                        most => written(&it.ast) * most,
                    }
                }
                _ => written(&it.ast) + 1,
            }
        }
        _ => 1,
    }
}

/// The size of an expression is what it is written out, and no expression is much larger once it is compiled.
#[test]
fn the_size_of_an_expression_is_what_it_is_written_out() {
    let count = "(|\\{[0-9]{1,2}\\}|\\{[0-3],1?[0-9]\\})";
    let operators = proptest::collection::vec("(\\?|\\*|\\+|\\{1\\}|\\{0,1\\}|\\{[0-9]\\}|\\{2,\\})", 0..5);
    let part = prop_oneof![
        2 => expression(),
        1 => "(\\\\x\\{[1-9a-f]{2}\\}|\\\\x[46][1-9a-f]|\\\\u\\{[1-9a-f]{2,4}\\}|\\\\U000000[46]1|\\\\b\\{start\\}|\\\\b|\\[\\]a\\]|\\[\\^\\]\\)\\]|\\[ \\]\\)\\]| )",
        1 => "(\\(\\?-x\\)|\\(\\?:a\\)|\\(\\?P<name>a\\)|\\(\\)|\\( \\?i\\)|\\(\\?x\\)|\\(\\?x:)",
    ];
    let part = (part, operators.prop_map(|it| it.concat())).prop_map(|(part, operators)| part + &operators);
    let parts = proptest::collection::vec(part, 1..4).prop_map(|it| it.concat());
    check_each((parts, count), size_is_written);
}

fn size_is_written((text, count): (String, String)) -> Result<(), TestCaseError> {
    for text in [format!("({text}){count}"), text + &count] {
        if OriginRegex::parse(&text).is_err() {
            continue;
        }
        let size = expression_size(&text);
        let bound = 1024 + 320 * size;
        let fits = regex_lite::RegexBuilder::new(&text).size_limit(bound).build().is_ok();
        prop_assert!(fits, "{} counts {}", text, size);
        let Ok(ast) = Parser::new().parse(&text) else {
            continue;
        };
        prop_assert_eq!(size, written(&ast).min(4096), "{}", text);
    }
    Ok(())
}

/// What was counted wrongly: an operator in the place of what it repeats, and a code point as a number of repetitions.
#[test]
fn sizes_that_were_wrong() {
    for (text, size) in [
        ("https://[a-z.]{15}?{15}x", 8 + 15 * 16 + 1),
        ("a+{9}", 18),
        (r"\x{61}", 1),
        (r"\u{0061}{3}", 3),
        (r"\b{start}a", 2),
        (r"\b{9}a", 10),
        ("a{1}{1}{1}", 4),
        ("a{9}(?i){9}", 81),
        ("( {99})", 100),
        ("(?x)[ ])]a{99}", 100),
        ("(?x)a{9} # and b{99}", 9),
        ("(?:a){9}", 18),
    ] {
        assert_eq!(expression_size(text), size, "{text}");
    }
}
