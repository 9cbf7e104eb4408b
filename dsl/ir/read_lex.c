/* The lexer of the IR's text form. Numbers are read without the C library, whose decimal point
 * follows the locale: decimals of up to 15 digits and powers of ten up to 22 are exact in
 * double, so one division or product rounds correctly (Clinger 1990); everything else is
 * written as hexadecimal mantissa and binary exponent. */
#include "dsl/ir/read_lex.h"

#include <math.h>
#include <string.h>

static int peek(const lexer *lx) {
    return lx->at < lx->len ? (unsigned char)lx->text[lx->at] : -1;
}

static bool is_digit(int c) {
    return c >= '0' && c <= '9';
}

static bool is_word_start(int c) {
    return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_word(int c) {
    return is_word_start(c) || is_digit(c);
}

static int hex_digit(int c) {
    return is_digit(c)            ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

static void skip_space(lexer *lx) {
    for (;;) {
        int c = peek(lx);
        if (c == ' ' || c == '\n' || c == '\t' || c == '\r') {
            lx->at++;
        } else if (c == '/' && lx->at + 1 < lx->len && lx->text[lx->at + 1] == '/') {
            while (peek(lx) != -1 && peek(lx) != '\n') {
                lx->at++;
            }
        } else {
            return;
        }
    }
}

static token bad(lexer *lx, uint32_t begin, tg_diag_code code, const char *message) {
    tg_span span = {lx->file, begin, lx->at > begin ? lx->at : begin + 1};
    tg_report(lx->diags, code, span, "%s", message);
    return (token){.kind = TOKEN_BAD, .span = span};
}

static token finish(const lexer *lx, token t, uint32_t begin) {
    t.span = (tg_span){lx->file, begin, lx->at};
    return t;
}

static token lex_sigil(lexer *lx, token_kind kind) {
    uint32_t begin = lx->at++, start = lx->at;
    while (is_word(peek(lx)) || peek(lx) == '.') {
        lx->at++;
    }
    if (lx->at == start) {
        return bad(lx, begin, TG_E0101, "a name must follow the sigil");
    }
    return finish(
        lx,
        (token){.kind = kind, .text = tg_intern(lx->names, lx->text + start, lx->at - start)},
        begin);
}

static token lex_string(lexer *lx) {
    uint32_t begin = lx->at++, n = 0;
    char *out = TG_NEW_ARRAY(lx->diags->arena, char, lx->len - begin + 1);
    while (peek(lx) != '"') {
        int c = peek(lx);
        lx->at++;
        if (c < 32) {
            return bad(lx, begin, TG_E0103, "the string does not end on its line");
        }
        if (c == '\\') {
            c = peek(lx);
            lx->at += c != -1;
            if (c == 'x' && lx->at + 2 <= lx->len) {
                int high = hex_digit(lx->text[lx->at]), low = hex_digit(lx->text[lx->at + 1]);
                lx->at += 2;
                c = high < 0 || low < 0 ? 0 : high * 16 + low;
            } else if (c != '"' && c != '\\') {
                c = 0;
            }
            if (c == 0) {
                return bad(lx, begin, TG_E0103, "unknown escape in a string");
            }
        }
        out[n++] = (char)c;
    }
    lx->at++;
    return finish(lx, (token){.kind = TOKEN_STRING, .text = tg_intern(lx->names, out, n)},
                  begin);
}

/* ---- numbers ---------------------------------------------------------------------------- */

static bool lex_digits(lexer *lx, uint64_t *value, uint32_t *n) {
    for (; is_digit(peek(lx)); lx->at++, ++*n) {
        uint64_t digit = (uint64_t)(peek(lx) - '0');
        if (*value > (UINT64_MAX - digit) / 10) {
            return false;
        }
        *value = *value * 10 + digit;
    }
    return true;
}

static bool lex_exponent(lexer *lx, int64_t *exponent) {
    bool negative = peek(lx) == '-';
    lx->at += negative || peek(lx) == '+';
    uint64_t value = 0;
    uint32_t n = 0;
    if (!lex_digits(lx, &value, &n) || n == 0 || value > 100000) {
        return false;
    }
    *exponent = negative ? -(int64_t)value : (int64_t)value;
    return true;
}

static double power_of_ten(int64_t e) {
    double p = 1.0;
    for (; e > 0; e--) {
        p *= 10.0; /* exact up to 10^22 */
    }
    return p;
}

static bool lex_hex(lexer *lx, uint64_t *value) {
    uint32_t n = 0;
    for (; hex_digit(peek(lx)) >= 0; lx->at++, n++) {
        if (*value >> 60) {
            return false;
        }
        *value = *value << 4 | (uint64_t)hex_digit(peek(lx));
    }
    return n > 0;
}

/* 0x… is an integer, 0x…p… a float */
static token lex_hex_number(lexer *lx, uint32_t begin, bool negative) {
    uint64_t value = 0;
    lx->at += 2;
    if (!lex_hex(lx, &value)) {
        return bad(lx, begin, TG_E0102, "malformed hexadecimal number");
    }
    if (peek(lx) != 'p') {
        int64_t i = (int64_t)(negative ? 0 - value : value);
        return finish(lx, (token){.kind = TOKEN_INT, .i = i}, begin);
    }
    int64_t exponent = 0;
    lx->at++;
    if (!lex_exponent(lx, &exponent) || value >> 53) {
        return bad(lx, begin, TG_E0102, "a mantissa has at most 53 bits, and an exponent");
    }
    double f = ldexp((double)value, (int)exponent);
    return finish(lx, (token){.kind = TOKEN_FLOAT, .f = negative ? -f : f}, begin);
}

static token lex_decimal(lexer *lx, uint32_t begin, bool negative) {
    uint64_t value = 0;
    uint32_t n = 0, decimals = 0;
    int64_t exponent = 0;
    bool ok = lex_digits(lx, &value, &n), fraction = ok && peek(lx) == '.';
    if (fraction) {
        lx->at++;
        ok = lex_digits(lx, &value, &decimals) && decimals > 0;
    }
    bool scaled = ok && (peek(lx) == 'e' || peek(lx) == 'E');
    if (scaled) {
        lx->at++;
        ok = lex_exponent(lx, &exponent);
    }
    exponent -= decimals;
    if (!ok || is_word(peek(lx))) {
        return bad(lx, begin, TG_E0102, "malformed number");
    }
    if (!fraction && !scaled) {
        if (negative ? value > UINT64_C(1) << 63 : value > INT64_MAX) {
            return bad(lx, begin, TG_E0102, "integer beyond 64 bits");
        }
        return finish(lx,
                      (token){.kind = TOKEN_INT, .i = (int64_t)(negative ? 0 - value : value)},
                      begin);
    }
    if (value >> 53 || exponent < -22 || exponent > 22) {
        return bad(lx, begin, TG_E0102,
                   "too many digits for an exact decimal; write it in hexadecimal");
    }
    double f = exponent < 0 ? (double)value / power_of_ten(-exponent)
                            : (double)value * power_of_ten(exponent);
    return finish(lx, (token){.kind = TOKEN_FLOAT, .f = negative ? -f : f}, begin);
}

/* inf, nan, nan(0x…) */
static bool lex_special(lexer *lx, bool negative, double *f) {
    if (lx->len - lx->at >= 3 && memcmp(lx->text + lx->at, "inf", 3) == 0) {
        lx->at += 3;
        *f = negative ? -INFINITY : INFINITY;
        return !is_word(peek(lx));
    }
    if (lx->len - lx->at < 3 || memcmp(lx->text + lx->at, "nan", 3) != 0) {
        return false;
    }
    lx->at += 3;
    uint64_t bits = UINT64_C(0x7ff8000000000000);
    if (lx->len - lx->at > 3 && memcmp(lx->text + lx->at, "(0x", 3) == 0) {
        lx->at += 3;
        bits = 0;
        bool ok = lex_hex(lx, &bits) && peek(lx) == ')';
        lx->at += ok;
        if (!ok) {
            return false;
        }
    }
    memcpy(f, &bits, sizeof bits);
    return *f != *f && !is_word(peek(lx));
}

static token lex_number(lexer *lx) {
    uint32_t begin = lx->at;
    bool negative = peek(lx) == '-';
    lx->at += negative;
    if (peek(lx) == '0' && lx->at + 1 < lx->len && lx->text[lx->at + 1] == 'x') {
        return lex_hex_number(lx, begin, negative);
    }
    if (is_digit(peek(lx))) {
        return lex_decimal(lx, begin, negative);
    }
    double f = 0;
    if (lex_special(lx, negative, &f)) {
        return finish(lx, (token){.kind = TOKEN_FLOAT, .f = f}, begin);
    }
    return bad(lx, begin, TG_E0102, "malformed number");
}

static token lex_word(lexer *lx) {
    uint32_t begin = lx->at;
    double f = 0;
    if (lex_special(lx, false, &f)) {
        return finish(lx, (token){.kind = TOKEN_FLOAT, .f = f}, begin);
    }
    lx->at = begin;
    while (is_word(peek(lx))) {
        lx->at++;
    }
    return finish(lx,
                  (token){.kind = TOKEN_WORD,
                          .text = tg_intern(lx->names, lx->text + begin, lx->at - begin)},
                  begin);
}

token lex_token(lexer *lx) {
    skip_space(lx);
    int c = peek(lx);
    uint32_t begin = lx->at;
    switch (c) {
    case -1:
        return finish(lx, (token){.kind = TOKEN_END}, begin);
    case '%':
        return lex_sigil(lx, TOKEN_VALUE);
    case '#':
        return lex_sigil(lx, TOKEN_AXIS);
    case '@':
        return lex_sigil(lx, TOKEN_SYMBOL);
    case '"':
        return lex_string(lx);
    default:
        break;
    }
    if (is_word_start(c)) {
        return lex_word(lx);
    }
    if (is_digit(c) || c == '-') {
        return lex_number(lx);
    }
    lx->at++;
    if (!strchr("(){}<>=:,;", c)) {
        return bad(lx, begin, TG_E0101, "unexpected character");
    }
    return finish(lx, (token){.kind = TOKEN_PUNCT, .punct = (char)c}, begin);
}
