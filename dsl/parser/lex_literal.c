/* Numbers, strings and UTF-8 for the lexer.
 *
 * Decimal fractions are converted by strtod on a spelling without a point (1.25e3 becomes
 * 125e1), so that the host's locale cannot change what a literal means. A malformed number is
 * reported with the spelling that was probably meant and still gives a number token: nothing
 * else is wrong with the line. Read lex.c for the rest of the lexer. */
#include "dsl/parser/lex_private.h"

#include <stdlib.h>
#include <string.h>

uint32_t tg_lex_utf8(const char *s, uint32_t n, uint32_t *code_point) {
    const unsigned char *b = (const unsigned char *)s;
    static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    uint32_t len = b[0] < 0x80 ? 1 : b[0] >= 0xF0 ? 4 : b[0] >= 0xE0 ? 3 : b[0] >= 0xC0 ? 2 : 0;
    if (len == 0 || len > n || b[0] >= 0xF8)
        return 0;
    uint32_t value = len == 1 ? b[0] : b[0] & (0x7Fu >> len);
    for (uint32_t i = 1; i < len; i++) {
        if ((b[i] & 0xC0) != 0x80)
            return 0;
        value = value << 6 | (b[i] & 0x3F);
    }
    if (value < least[len] || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF))
        return 0;
    *code_point = value;
    return len;
}

void tg_lex_bad_byte(lexer *lx, uint32_t at) {
    tg_diag *diag =
        tg_report(lx->diags, TG_E0101, lex_span(lx, at, at + 1),
                  "byte 0x%02X is not valid UTF-8", (unsigned)(unsigned char)lx->text[at]);
    tg_diag_add_help(lx->diags, diag, "save the file as UTF-8");
}

static void report_number(lexer *lx, tg_token *token, const char *problem,
                          const char *instead) {
    tg_span span = lex_span(lx, token->begin, token->end);
    tg_diag *diag =
        tg_report(lx->diags, TG_E0102, span, "malformed number%s%s%s%s", problem[0] ? ": " : "",
                  problem, instead ? "; write " : "", instead ? instead : "");
    if (instead)
        tg_diag_add_edit(lx->diags, diag, span, instead);
    token->bad = false; /* the number stands for itself: the parser goes on */
}

static int digit_value(char c) {
    if (lex_is_digit(c))
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return 99;
}

/* Value of the digits in [from, to) (underscores skipped); false if it exceeds 64 bits. */
static bool integer_value(const lexer *lx, uint32_t from, uint32_t to, unsigned base,
                          uint64_t *value) {
    *value = 0;
    for (uint32_t i = from; i < to; i++) {
        if (lx->text[i] == '_')
            continue;
        uint64_t digit = (uint64_t)digit_value(lx->text[i]);
        if (*value > (UINT64_MAX - digit) / base)
            return false;
        *value = *value * base + digit;
    }
    return true;
}

static void skip_digits(lexer *lx) {
    while (lex_is_digit(lex_peek(lx, 0)) || lex_peek(lx, 0) == '_')
        lx->pos++;
}

/* `12.5e-3` → `125e-4`: see the head of the file. */
static double float_value(lexer *lx, uint32_t from, uint32_t to) {
    char *spelling = tg_arena_alloc(lx->arena, to - from + 16, 1);
    size_t n = 0;
    long places = 0, exponent = 0;
    bool fraction = false;
    uint32_t i = from;
    for (; i < to && lx->text[i] != 'e' && lx->text[i] != 'E'; i++) {
        if (lx->text[i] == '.')
            fraction = true;
        else if (lx->text[i] != '_') {
            spelling[n++] = lx->text[i];
            places += fraction;
        }
    }
    bool minus = i + 1 < to && lx->text[i + 1] == '-';
    for (i++; i < to; i++)
        if (lex_is_digit(lx->text[i]) && exponent < 100000000)
            exponent = exponent * 10 + (lx->text[i] - '0');
    exponent = (minus ? -exponent : exponent) - places;
    char *tail = tg_arena_printf(lx->arena, "e%ld", exponent);
    memcpy(spelling + n, tail, strlen(tail) + 1);
    return strtod(spelling, NULL);
}

/* Letters glued to a number (`1u`, `0.5f`, `10L`): there are no suffixes. */
static void check_suffix(lexer *lx, tg_token *token) {
    uint32_t end = lx->pos;
    while (lex_is_word(lex_peek(lx, 0)))
        lx->pos++;
    if (lx->pos == end)
        return;
    token->end = lx->pos;
    const char *number =
        tg_arena_strndup(lx->arena, lx->text + token->begin, end - token->begin);
    report_number(lx, token, "literals have no suffix", number);
}

static void lex_prefixed(lexer *lx, tg_token *token, unsigned base) {
    uint32_t digits = lx->pos + 2;
    bool good = false, wrong = false;
    for (lx->pos += 2; lex_is_word(lex_peek(lx, 0)); lx->pos++) {
        char c = lex_peek(lx, 0);
        good |= c != '_';
        wrong |= c != '_' && digit_value(c) >= (int)base;
    }
    token->end = lx->pos;
    token->kind = TG_TOK_INT;
    if (wrong || !good)
        report_number(lx, token,
                      base == 16 ? "expected hexadecimal digits after 0x"
                                 : "expected 0 and 1 after 0b",
                      NULL);
    else if (!integer_value(lx, digits, lx->pos, base, &token->u.integer))
        report_number(lx, token, "more than 64 bits", NULL);
}

/* After the digits: the exponent, if there is one. */
static bool lex_exponent(lexer *lx, tg_token *token) {
    char c = lex_peek(lx, 0);
    if (c != 'e' && c != 'E')
        return false;
    uint32_t sign = lex_peek(lx, 1) == '+' || lex_peek(lx, 1) == '-';
    if (!lex_is_digit(lex_peek(lx, 1 + sign))) {
        lx->pos += 1 + sign;
        token->end = lx->pos;
        report_number(lx, token, "expected digits after the exponent sign", NULL);
        return true;
    }
    lx->pos += 1 + sign;
    skip_digits(lx);
    return true;
}

void tg_lex_number(lexer *lx, tg_token *token) {
    char second = lex_peek(lx, 1);
    if (lex_peek(lx, 0) == '0' &&
        (second == 'x' || second == 'X' || second == 'b' || second == 'B')) {
        lex_prefixed(lx, token, second == 'x' || second == 'X' ? 16 : 2);
        return;
    }
    skip_digits(lx);
    bool is_float = false;
    if (lex_peek(lx, 0) == '.' && lex_is_digit(lex_peek(lx, 1))) {
        is_float = true;
        lx->pos++;
        skip_digits(lx);
    } else if (lex_peek(lx, 0) == '.' && lex_peek(lx, 1) != '.') {
        const char *whole =
            tg_arena_strndup(lx->arena, lx->text + token->begin, lx->pos - token->begin);
        lx->pos++;
        if ((lex_peek(lx, 0) == 'f' || lex_peek(lx, 0) == 'F') && !lex_is_word(lex_peek(lx, 1)))
            lx->pos++;
        token->end = lx->pos;
        token->kind = TG_TOK_FLOAT;
        token->u.number = float_value(lx, token->begin, token->end - 1);
        report_number(lx, token, "", tg_arena_printf(lx->arena, "%s.0", whole));
        return;
    }
    is_float |= lex_exponent(lx, token);
    token->end = lx->pos;
    token->kind = is_float ? TG_TOK_FLOAT : TG_TOK_INT;
    if (is_float)
        token->u.number = float_value(lx, token->begin, token->end);
    else if (!integer_value(lx, token->begin, token->end, 10, &token->u.integer))
        report_number(lx, token,
                      "more than 64 bits; the largest integer is 18446744073709551615", NULL);
    check_suffix(lx, token);
}

void tg_lex_element(lexer *lx, tg_token *token) {
    while (lex_is_digit(lex_peek(lx, 0)))
        lx->pos++;
    token->kind = TG_TOK_INT;
    token->end = lx->pos;
    if (!integer_value(lx, token->begin, token->end, 10, &token->u.integer))
        report_number(lx, token, "more than 64 bits", NULL);
    check_suffix(lx, token);
}

/* One escape at lx->pos (on the backslash). */
static void lex_escape(lexer *lx, tg_strbuf *out) {
    static const char from[] = "nt\\\"", to[] = "\n\t\\\"";
    char c = lex_peek(lx, 1);
    const char *simple = c ? strchr(from, c) : NULL;
    if (simple) {
        tg_strbuf_putc(out, to[simple - from]);
        lx->pos += 2;
        return;
    }
    int high = digit_value(lex_peek(lx, 2)), low = digit_value(lex_peek(lx, 3));
    if (c == 'x' && high < 16 && low < 16) {
        tg_strbuf_putc(out, (char)(high * 16 + low));
        lx->pos += 4;
        return;
    }
    tg_diag *diag = tg_report(lx->diags, TG_E0101, lex_span(lx, lx->pos, lx->pos + 1),
                              "unexpected escape in a string");
    tg_diag_add_help(lx->diags, diag, "the escapes are \\n \\t \\\\ \\\" and \\xHH");
    lx->pos++;
}

void tg_lex_string(lexer *lx, tg_token *token) {
    tg_strbuf text;
    tg_strbuf_init(&text, lx->arena);
    lx->pos++;
    while (lx->pos < lx->len && lex_peek(lx, 0) != '"' && lex_peek(lx, 0) != '\n') {
        if (lex_peek(lx, 0) == '\\') {
            lex_escape(lx, &text);
            continue;
        }
        uint32_t code_point = 0,
                 n = tg_lex_utf8(lx->text + lx->pos, lx->len - lx->pos, &code_point);
        if (n == 0)
            tg_lex_bad_byte(lx, lx->pos);
        tg_strbuf_put(&text, lx->text + lx->pos, n ? n : 1);
        lx->pos += n ? n : 1;
    }
    token->kind = TG_TOK_STRING;
    if (lex_peek(lx, 0) == '"') {
        lx->pos++;
    } else {
        token->bad = true;
        tg_diag *diag = tg_report(lx->diags, TG_E0103, lex_span(lx, token->begin, lx->pos),
                                  "unterminated string");
        tg_diag_add_help(lx->diags, diag,
                         "a string ends on its line; write several strings one after another "
                         "for a long one");
    }
    token->end = lx->pos;
    token->u.string.text = text.data ? text.data : "";
    token->u.string.len = (uint32_t)text.len;
}
