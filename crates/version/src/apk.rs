//! apk-tools' order (apk-package(5), "PACKAGE METADATA", pkgver; `src/version.c` of apk-tools is the reference).
//!
//! `number{.number}[letter[number]]{_suffix[number]}[~hash][-rN]`. A version is read as tokens; where two versions have
//! tokens of the same kind their values decide. Of numbers after a dot, one with more leading zeros is smaller.
//! Where kinds differ, a pre-release suffix (`_alpha`, `_beta`, `_pre`, `_rc`) comes first,
//! then the end of a version, then what continues it, later kinds first. From the first byte that fits no rule,
//! a version is invalid: it then stands before its valid beginning.

use crate::order::{compare_numbers, split_while};
use std::cmp::Ordering;

pub(crate) fn compare(a: &[u8], b: &[u8]) -> Ordering {
    let (mut a, mut b) = (Tokens::of(a), Tokens::of(b));
    loop {
        let (token_a, token_b) = (a.next(), b.next());
        let order = match (token_a, token_b) {
            (Token::First(a), Token::First(b))
            | (Token::SuffixNumber(a), Token::SuffixNumber(b))
            | (Token::Revision(a), Token::Revision(b)) => compare_numbers(a, b),
            (Token::Number(a), Token::Number(b)) => {
                zeros(b).cmp(&zeros(a)).then_with(|| compare_numbers(a, b))
            }
            (Token::Letter(a), Token::Letter(b)) => a.cmp(&b),
            (Token::Suffix(a), Token::Suffix(b)) => a.cmp(&b),
            (Token::Hash(a), Token::Hash(b)) => a.cmp(b),
            (Token::End, Token::End) | (Token::Invalid, Token::Invalid) => return Ordering::Equal,
            (a, b) => a.rank().cmp(&b.rank()),
        };
        if order.is_ne() {
            return order;
        }
    }
}

/// How many zeros a number after a dot begins with: more of them make it smaller.
fn zeros(number: &[u8]) -> usize {
    number.iter().take_while(|digit| **digit == b'0').count()
}

#[derive(Clone, Copy)]
enum Token<'a> {
    First(&'a [u8]),
    Number(&'a [u8]),
    Letter(u8),
    /// Index in [`SUFFIXES`].
    Suffix(usize),
    SuffixNumber(&'a [u8]),
    Hash(&'a [u8]),
    Revision(&'a [u8]),
    End,
    Invalid,
}

/// In order; the first [`PRE_RELEASES`] come before the version they follow.
const SUFFIXES: [&[u8]; 9] = [b"alpha", b"beta", b"pre", b"rc", b"cvs", b"svn", b"git", b"hg", b"p"];
const PRE_RELEASES: usize = 4;

impl Token<'_> {
    /// The order of kinds where they differ.
    fn rank(self) -> u8 {
        match self {
            Self::Suffix(index) if index < PRE_RELEASES => 0,
            Self::Invalid => 1,
            Self::End => 2,
            Self::Revision(_) => 3,
            Self::Hash(_) => 4,
            Self::SuffixNumber(_) => 5,
            Self::Suffix(_) => 6,
            Self::Letter(_) => 7,
            Self::Number(_) => 8,
            Self::First(_) => 9,
        }
    }
}

/// What may follow.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum After {
    Nothing,
    Number,
    Letter,
    Suffix,
    SuffixNumber,
    Hash,
    Revision,
    Invalid,
}

struct Tokens<'a> {
    rest: &'a [u8],
    after: After,
}

impl<'a> Tokens<'a> {
    fn of(version: &'a [u8]) -> Self {
        Self { rest: version, after: After::Nothing }
    }

    fn next(&mut self) -> Token<'a> {
        let token = self.token();
        if matches!(token, Token::Invalid) {
            self.after = After::Invalid;
        }
        token
    }

    fn token(&mut self) -> Token<'a> {
        let (digits, rest) = split_while(self.rest, |byte| byte.is_ascii_digit());
        match (self.after, self.rest) {
            (After::Invalid, _) => Token::Invalid,
            (After::Nothing, _) if !digits.is_empty() => self.step(rest, After::Number, Token::First(digits)),
            (After::Nothing, _) => Token::Invalid,
            (_, []) => Token::End,
            (After::Suffix, _) if !digits.is_empty() => {
                self.step(rest, After::SuffixNumber, Token::SuffixNumber(digits))
            }
            (After::Number, [b'.', number @ ..]) => {
                let (digits, rest) = split_while(number, |byte| byte.is_ascii_digit());
                if digits.is_empty() {
                    return Token::Invalid;
                }
                self.step(rest, After::Number, Token::Number(digits))
            }
            (After::Letter, _) if !digits.is_empty() => self.step(rest, After::Number, Token::Number(digits)),
            (After::Number, [letter @ b'a'..=b'z', rest @ ..]) => {
                self.step(rest, After::Letter, Token::Letter(*letter))
            }
            (after, [b'_', rest @ ..]) if after <= After::SuffixNumber => {
                let (name, rest) = split_while(rest, |byte| byte.is_ascii_lowercase());
                match SUFFIXES.iter().position(|suffix| *suffix == name) {
                    Some(index) => self.step(rest, After::Suffix, Token::Suffix(index)),
                    None => Token::Invalid,
                }
            }
            (after, [b'~', rest @ ..]) if after < After::Hash => {
                let (hash, rest) = split_while(rest, |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
                if hash.is_empty() {
                    return Token::Invalid;
                }
                self.step(rest, After::Hash, Token::Hash(hash))
            }
            (after, [b'-', b'r', rest @ ..]) if after < After::Revision => {
                let (digits, rest) = split_while(rest, |byte| byte.is_ascii_digit());
                if digits.is_empty() {
                    return Token::Invalid;
                }
                self.step(rest, After::Revision, Token::Revision(digits))
            }
            _ => Token::Invalid,
        }
    }

    fn step(&mut self, rest: &'a [u8], after: After, token: Token<'a>) -> Token<'a> {
        self.rest = rest;
        self.after = after;
        token
    }
}

#[cfg(test)]
mod tests {
    use crate::Order;
    use crate::order::tests::check;

    #[test]
    fn versions_sort_as_apk_tools_does() {
        check(
            Order::Apk,
            "1.0 < 1.1
             1.9 < 1.10
             1.0-r0 < 1.0-r1
             1.0 < 1.0-r0
             1.0_alpha < 1.0_beta
             1.0_alpha1 < 1.0_alpha2
             1.0_rc1-r3 < 1.0-r0
             1.0 < 1.0_p1
             1.0_p1 < 1.0a
             1.0a < 1.0b
             1.0b < 1.0.1
             1.10a-r2 < 1.10a12
             1.0.1 < 1.1
             1.01 < 1.1
             1.009 < 1.09
             1.09 < 1.010
             1.00 < 1.0
             1.0.2-r1 < 1.0.10-r0
             1.2.4_git20230101 < 1.2.5
             3.1.4-r5 < 3.1.4-r10
             20230101 < 20240101
             1.2 < 1.2_git20180101",
        );
    }
}
