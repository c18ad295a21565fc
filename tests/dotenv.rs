//! `.env` files as their readers read them: what the command reads, bash, python-dotenv, django-environ, python-decouple
//! and Compose read alike; and what it refuses for their sake, they do not.
//!
//! `./build.sh test` names Python with these packages in `ORIGIN_GATE_PYTHON`.

use std::env;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::thread;

use serde_json::Value;

use crate::random::Random;

const NAMES: [&str; 3] = ["ALLOWED_HOSTS", "CORS_ALLOWED_ORIGINS", "DEBUG"];

/// What all read alike.
const ALIKE: &[&str] = &[
    "",
    "# ALLOWED_HOSTS=a\n",
    "ALLOWED_HOSTS=a.example,.b.example\n",
    "ALLOWED_HOSTS=a.example",
    "ALLOWED_HOSTS=*\nDEBUG=False\n\n",
    "ALLOWED_HOSTS=[::1],127.0.0.1\n",
    "ALLOWED_HOSTS=\n",
    "ALLOWED_HOSTS=''\n",
    "ALLOWED_HOSTS='a b'\n",
    "ALLOWED_HOSTS=\"a, b\"\n",
    "ALLOWED_HOSTS='[\"a\", \"b\"]'\n",
    "CORS_ALLOWED_ORIGINS='^https://\\w+\\.a\\.example(:[0-9]+)?$'\n",
    "SECRET_KEY='a#b$c\"d'\nALLOWED_HOSTS=a\n",
    "SECRET_KEY=django-insecure-a&b!c%d*e^f@g\nALLOWED_HOSTS=a\n",
    "export PORT=8000 # ours\nALLOWED_HOSTS=a\n",
    "MAIL=The shop <shop@a.example> # it's ours\nALLOWED_HOSTS=a\n",
    "KEY=\"-----BEGIN KEY-----\nMIIB=\n-----END KEY-----\"\nALLOWED_HOSTS=a\n",
    "ALLOWED_HOSTS=a\nALLOWED_HOSTS=b\n",
    "ALLOWED_HOSTS=a\nNAME='it ends nowhere\n",
];

/// What they do not, each with the line, and a part of what is said.
const UNLIKE: &[(&str, usize, &str)] = &[
    (
        "CORS_ALLOWED_ORIGINS='https://a.example','https://b.example'\n",
        1,
        "write `CORS_ALLOWED_ORIGINS=a,b`",
    ),
    (
        "CORS_ALLOWED_ORIGINS=\"https://a.example\",\"https://b.example\"\n",
        1,
        "several quotes",
    ),
    (
        "CORS_ALLOWED_ORIGINS=[\"https://a.example\", \"https://b.example\"]\n",
        1,
        "several quotes",
    ),
    (
        "CORS_ALLOWED_ORIGINS=\"https://a.example,\nhttps://b.example\"\n",
        1,
        "with the line",
    ),
    (
        "CORS_ALLOWED_ORIGINS=https://a.example,\\\nhttps://b.example\n",
        1,
        "backslashes",
    ),
    ("ALLOWED_HOSTS=\"a'b\"c\n", 1, "several quotes"),
    ("# hosts\nexport ALLOWED_HOSTS=a\n", 2, "`export`"),
    ("ALLOWED_HOSTS=a # ours\n", 1, "the comment on a line of its own"),
    ("ALLOWED_HOSTS='a' # ours\n", 1, "the comment on a line of its own"),
    ("ALLOWED_HOSTS=\"a#b\"\n", 1, "comment"),
    ("ALLOWED_HOSTS=$HOST\n", 1, "fill in"),
    ("ALLOWED_HOSTS=\"${HOST:-a}\"\n", 1, "fill in"),
    ("ALLOWED_HOSTS='${HOST:-a}'\n", 1, "fill in"),
    ("ALLOWED_HOSTS='$HOST'\n", 1, "fill in"),
    ("ALLOWED_HOSTS = a\n", 1, "around `=`"),
    ("ALLOWED_HOSTS= a\n", 1, "around `=`"),
    (" ALLOWED_HOSTS=a\n", 1, "before the name"),
    ("ALLOWED_HOSTS=a \n", 1, "behind the value"),
    ("ALLOWED_HOSTS='a' \n", 1, "behind the value"),
    ("ALLOWED_HOSTS=a b\n", 1, "ends the value at a blank"),
    ("ALLOWED_HOSTS=a;b\n", 1, "signs such as"),
    ("ALLOWED_HOSTS=~\n", 1, "signs such as"),
    ("ALLOWED_HOSTS='a\\\\b'\n", 1, "backslashes"),
    ("ALLOWED_HOSTS=\"a\\.b\"\n", 1, "backslashes"),
    ("\u{feff}ALLOWED_HOSTS=a\n", 1, "byte-order mark"),
    ("DEBUG=0\r\nALLOWED_HOSTS=a\r\n", 1, "CR LF"),
    ("NAME=a\u{2028}ALLOWED_HOSTS=b\n", 1, "control character"),
    ("unset X\nALLOWED_HOSTS=a\n", 1, "this is not `NAME=value`"),
    ("NAME='it ends\nALLOWED_HOSTS=a\n'\n", 1, "`NAME`"),
    ("NAME=it's one\nALLOWED_HOSTS=a\nOTHER=it's two\n", 1, "`NAME`"),
    ("NAME=a\\\nALLOWED_HOSTS=a\n", 1, "`NAME`"),
    ("NAME=a ALLOWED_HOSTS=b\n", 1, "`NAME`"),
    ("NAME=#&ALLOWED_HOSTS=b\n", 1, "`NAME`"),
    ("NAME=(\nALLOWED_HOSTS=a\nOTHER=)\n", 1, "`NAME`"),
];

#[test]
fn what_readers_do_not_read_alike_is_an_error_of_its_line() {
    for (text, line, part) in UNLIKE {
        let errors = import::environment(text).unwrap_err();
        let is_it = |it: &String| it.starts_with(&format!("line {line}: ")) && it.contains(part);
        assert!(errors.iter().any(is_it), "{text:?}: {part}: {errors:#?}");
    }
    for text in ALIKE {
        import::environment(text).unwrap_or_else(|errors| panic!("{text:?}: {errors:#?}"));
    }
    // Compose takes its value from elsewhere.
    assert!(import::environment("ALLOWED_HOSTS\n").is_err());
    let secret = "SECRET_KEY=hunter2'\nALLOWED_HOSTS=hunter3 # hunter4\nhunter5\n";
    assert!(!import::environment(secret).unwrap_err().concat().contains("hunter"));
}

#[test]
#[ignore = "needs Python with the readers: ./build.sh test"]
fn its_readers_agree_with_what_is_read_of_a_file() {
    let fixed = ALIKE.iter().map(|it| (*it).to_owned());
    let unlike = UNLIKE.iter().map(|(text, ..)| (*text).to_owned());
    let mut random = Random(7);
    let texts: Vec<String> = fixed.chain(unlike).chain((0..3000).map(|_| random.file())).collect();
    let mut accepted = 0;
    for (at, (text, answers)) in texts.iter().zip(ask(&texts)).enumerate() {
        let mut readings: Vec<_> = answers
            .as_object()
            .unwrap()
            .iter()
            .filter(|(_, it)| !it.is_null())
            .collect();
        match import::environment(text) {
            Ok(ours) => {
                accepted += 1;
                for (reader, theirs) in readings {
                    let value = |name: &str| theirs.get(name).and_then(Value::as_str);
                    for name in NAMES {
                        assert_eq!(
                            ours.get(name).map(String::as_str),
                            value(name),
                            "{reader}, {name}: {text:?}"
                        );
                    }
                }
            }
            // A file of the list above is there because they do not agree on it; one that a reader refuses is such, too.
            Err(_) if (ALIKE.len()..ALIKE.len() + UNLIKE.len()).contains(&at) => {
                let all = answers.as_object().unwrap().len();
                let is_refused = readings.len() < all;
                readings.dedup_by(|a, b| a.1 == b.1);
                assert!(
                    is_refused || readings.len() > 1,
                    "all read this alike: {text:?}: {answers:#}"
                );
            }
            Err(_) => {}
        }
    }
    println!("{} files, {accepted} of them read", texts.len());
    assert!(accepted > texts.len() / 8, "only {accepted} of {}", texts.len());
}

fn ask(texts: &[String]) -> Vec<Value> {
    let python = env::var("ORIGIN_GATE_PYTHON").expect("ORIGIN_GATE_PYTHON names Python: run ./build.sh test");
    let mut process = Command::new(python)
        .args(["-B", "-W", "ignore"])
        .arg(crate::root().join("tests/django/readers.py"))
        .arg(serde_json::to_string(&NAMES).unwrap())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut stdin = process.stdin.take().unwrap();
    let lines: Vec<_> = texts.iter().map(|text| serde_json::to_string(text).unwrap()).collect();
    let writer = thread::spawn(move || lines.iter().for_each(|line| writeln!(stdin, "{line}").unwrap()));
    let lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let answers: Vec<Value> = lines
        .map(|line| serde_json::from_str(&line.unwrap()).unwrap())
        .collect();
    writer.join().unwrap();
    assert!(process.wait().unwrap().success());
    assert_eq!(answers.len(), texts.len());
    answers
}

/// Files.
impl Random {
    fn file(&mut self) -> String {
        (0..=self.below(3)).map(|_| self.line()).collect()
    }

    fn line(&mut self) -> String {
        if self.below(8) == 0 {
            return self
                .one(&[
                    "\n",
                    "# it's `so` (\n",
                    "  # ALLOWED_HOSTS=b\n",
                    "x\n",
                    "}\n",
                    "A\r\n",
                    "fi\n",
                    ")\n",
                    "'\n",
                    "\"\n",
                ])
                .to_owned();
        }
        let before = if self.below(10) == 0 {
            self.one(&["export ", " ", "\t", "export\t", "A=b "])
        } else {
            ""
        };
        let name = self.one(&[
            "ALLOWED_HOSTS",
            "CORS_ALLOWED_ORIGINS",
            "DEBUG",
            "SECRET_KEY",
            "NAME",
            "KEY",
        ]);
        let equals = if self.below(10) == 0 {
            self.one(&[" = ", "= ", " =", ":", ": ", "+="])
        } else {
            "="
        };
        let value = self.value();
        let after = if self.below(8) == 0 {
            self.one(&[" ", " # b", "#b", "\\", "\t#'", "\r", ";", " &&", " |"])
        } else {
            ""
        };
        let end = if self.below(20) == 0 { "" } else { "\n" };
        [before, name, equals, &value, after, end].concat()
    }

    fn value(&mut self) -> String {
        // Long: the parts that values are made of.
        const PLAIN: &[&str] = &[
            "a.example",
            "b",
            ",",
            "https://",
            ":8000",
            "*",
            "[::1]",
            "-",
            "_",
            "@",
            "%",
            "/",
            "1",
            "+",
            "=",
            "?",
            "^",
            "\u{e9}",
        ];
        const OTHER: &[&str] = &[
            "'",
            "\"",
            "\\",
            "$",
            "${A}",
            "${A:-b}",
            "$A",
            "$(",
            ")",
            "`",
            "#",
            " ",
            " #",
            "\t",
            "(",
            "{",
            "}",
            "<<",
            ";",
            "&",
            "|",
            "!",
            "~",
            "\\'",
            "\\\"",
            "\\n",
            "\\\\",
            "\\.",
            "%s",
            "\n",
            "ALLOWED_HOSTS=c",
            "DEBUG",
            "<",
            ">",
            "\u{a0}",
            "\u{85}",
        ];
        let quote = self.one(&["", "", "'", "\"", "'", ""]);
        let others = self.below(3);
        let mut inside: Vec<&str> = (0..self.below(5)).map(|_| self.one(PLAIN)).collect();
        for _ in 0..others {
            let at = self.below(inside.len() + 1);
            inside.insert(at, self.one(OTHER));
        }
        [quote, &inside.concat(), quote].concat()
    }
}
