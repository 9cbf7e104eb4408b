/* Lexer: white space, comments, words, operators and characters that do not belong
 * (language.md section 2).
 *
 * Three places need more than one character of context: `.` before a digit is a malformed
 * number unless a value stands before it (`t.0`), digits after `.` are always an INT
 * (`t.0.1`), and `2..5` is a range, not two numbers. Characters outside ASCII give one E0101
 * per run; look-alikes of operators (lookalikes.def) are replaced, so that one pasted `×`
 * costs one message. lex_literal.c scans numbers and strings; parse.c reads the tokens. */
#include "dsl/parser/lex_private.h"

#include <string.h>

static const struct row {
    const char *text;
    tg_tok kind;
    tg_dtype dtype;
} words[] = {
#define KEYWORD(NAME, spelling) {spelling, TG_TOK_##NAME, TG_DTYPE_NONE},
#define PUNCT(NAME, spelling)
#include "dsl/parser/tokens.def"
#undef KEYWORD
#undef PUNCT
#define DTYPE(ID, name, bits, kind, mantissa, wide, storage) {name, TG_TOK_TYPE, ID},
#include "base/dtypes.def"
#undef DTYPE
    {"int", TG_TOK_TYPE, TG_I64},
};

static const struct row operators[] = {
#define KEYWORD(NAME, spelling)
#define PUNCT(NAME, spelling) {spelling, TG_TOK_##NAME, TG_DTYPE_NONE},
#include "dsl/parser/tokens.def"
#undef KEYWORD
#undef PUNCT
};

static const struct lookalike {
    uint32_t code_point;
    const char *text;
} lookalikes[] = {
#define LOOKALIKE(code, text) {code, text},
#include "dsl/parser/lookalikes.def"
#undef LOOKALIKE
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

const char *tg_tok_spelling(tg_tok kind) {
    static const char *const classes[] = {"the end of the file",
                                          "a character",
                                          "a name",
                                          "an integer",
                                          "a number",
                                          "a string",
                                          "a type"};
    if ((size_t)kind < COUNT(classes))
        return classes[kind];
    for (size_t i = 0; i < COUNT(words); i++)
        if (words[i].kind == kind)
            return words[i].text;
    for (size_t i = 0; i < COUNT(operators); i++)
        if (operators[i].kind == kind)
            return operators[i].text;
    return "nothing";
}

bool tg_tok_is_keyword(tg_tok kind) {
    return kind == TG_TOK_TYPE || (kind >= TG_TOK_IMPORT && kind < TG_TOK_SHL_SET);
}

/* ---- white space and comments ------------------------------------------------------------ */

static bool only_space_before(const lexer *lx, uint32_t at) {
    while (at > 0 && lx->text[at - 1] != '\n') {
        char c = lx->text[--at];
        if (c != ' ' && c != '\t' && c != '\r')
            return false;
    }
    return true;
}

static void check_comment_text(lexer *lx, uint32_t from, uint32_t to) {
    for (uint32_t i = from; i < to;) {
        uint32_t code_point = 0, n = tg_lex_utf8(lx->text + i, to - i, &code_point);
        if (n == 0) {
            tg_lex_bad_byte(lx, i);
            return;
        }
        i += n;
    }
}

static void add_comment(lexer *lx, uint32_t begin) {
    check_comment_text(lx, begin, lx->pos);
    tg_vec_push(lx->arena, &lx->comments,
                (tg_comment){lex_span(lx, begin, lx->pos), only_space_before(lx, begin)});
}

static void skip_line_comment(lexer *lx) {
    uint32_t begin = lx->pos;
    while (lx->pos < lx->len && lx->text[lx->pos] != '\n')
        lx->pos++;
    add_comment(lx, begin);
}

static void skip_block_comment(lexer *lx) {
    uint32_t begin = lx->pos, depth = 0;
    do {
        if (lx->pos >= lx->len) {
            tg_diag *diag = tg_report(lx->diags, TG_E0103, lex_span(lx, begin, begin + 2),
                                      "unterminated comment");
            tg_diag_add_help(lx->diags, diag, "comments nest: every /* needs its own */");
            lx->unterminated = true;
            break;
        }
        char c = lex_peek(lx, 0), d = lex_peek(lx, 1);
        bool opens = c == '/' && d == '*', closes = c == '*' && d == '/';
        depth += opens;
        depth -= closes;
        lx->pos += opens || closes ? 2 : 1;
    } while (depth > 0);
    add_comment(lx, begin);
}

static void skip_space(lexer *lx) {
    for (;;) {
        char c = lex_peek(lx, 0);
        if (c == ' ' || c == '\t' || c == '\r' || c == '\n')
            lx->pos++;
        else if (c == '/' && lex_peek(lx, 1) == '/')
            skip_line_comment(lx);
        else if (c == '/' && lex_peek(lx, 1) == '*')
            skip_block_comment(lx);
        else
            return;
    }
}

/* ---- tokens ------------------------------------------------------------------------------ */

static bool lex_word(lexer *lx, const char *text, uint32_t n, tg_token *token) {
    token->name = tg_intern(lx->names, text, n);
    size_t row = (size_t)(uintptr_t)tg_map_get(lx->words, token->name);
    token->kind = row ? words[row - 1].kind : TG_TOK_ID;
    if (token->kind == TG_TOK_TYPE)
        token->u.dtype = words[row - 1].dtype;
    return true;
}

static uint32_t lex_operator(const lexer *lx, const char *text, size_t n, tg_token *token) {
    for (size_t i = lx->first_operator[(unsigned char)text[0]]; i < COUNT(operators); i++) {
        if (operators[i].text[0] != text[0])
            continue;
        size_t len = strlen(operators[i].text);
        if (len <= n && memcmp(text, operators[i].text, len) == 0) {
            token->kind = operators[i].kind;
            return (uint32_t)len;
        }
    }
    return 0;
}

static const char *find_lookalike(uint32_t code_point) {
    for (size_t i = 0; i < COUNT(lookalikes); i++)
        if (lookalikes[i].code_point == code_point)
            return lookalikes[i].text;
    return NULL;
}

/* A known look-alike becomes the token it looks like; false if it was white space. */
static bool lex_lookalike(lexer *lx, const char *text, uint32_t code_point, tg_token *token) {
    tg_span span = lex_span(lx, token->begin, token->end);
    tg_diag *diag = tg_report(lx->diags, TG_E0101, span, "unexpected character U+%04X",
                              (unsigned)code_point);
    tg_diag_add_help(lx->diags, diag, "write `%s`", text);
    tg_diag_add_edit(lx->diags, diag, span, text);
    if (text[0] == ' ')
        return false;
    if (lex_is_word(text[0]))
        return lex_word(lx, text, (uint32_t)strlen(text), token);
    return lex_operator(lx, text, strlen(text), token) > 0;
}

/* Whether the character at `at` can start a token or is white space. */
static bool belongs(const lexer *lx, uint32_t at) {
    char c = lx->text[at];
    return lex_is_word(c) ||
           (c != '\0' && strchr(" \t\r\n\"<>.-=!&|+*/%^~?:;,(){}[]@#", c) != NULL);
}

static bool lex_unexpected(lexer *lx, tg_token *token) {
    uint32_t code_point = 0,
             n = tg_lex_utf8(lx->text + lx->pos, lx->len - lx->pos, &code_point);
    token->kind = TG_TOK_ERROR;
    token->bad = true;
    if (n == 0) {
        tg_lex_bad_byte(lx, lx->pos);
        n = 1;
        code_point = 0xFFFD;
    } else {
        lx->pos += n;
        token->end = lx->pos;
        const char *text = find_lookalike(code_point);
        if (text) {
            token->bad = false;
            return lex_lookalike(lx, text, code_point, token);
        }
        tg_diag *diag =
            code_point >= 0x20 && code_point < 0x7F
                ? tg_report(lx->diags, TG_E0101, lex_span(lx, token->begin, token->end),
                            "unexpected character `%c`", (char)code_point)
                : tg_report(lx->diags, TG_E0101, lex_span(lx, token->begin, token->end),
                            "unexpected character U+%04X", (unsigned)code_point);
        if (code_point == '\'' || code_point == 0x2018 || code_point == 0x2019 ||
            code_point == 0x201C || code_point == 0x201D)
            tg_diag_add_help(lx->diags, diag,
                             "strings are written between double quotes \"…\"");
        lx->pos -= n;
    }
    lx->pos += n;
    while (lx->pos < lx->len &&
           !belongs(lx, lx->pos)) /* the rest of the run: one message is enough */
        lx->pos++;
    token->end = lx->pos;
    return true;
}

/* `.5` where no value stands before it. */
static bool is_bare_fraction(const lexer *lx) {
    if (lex_peek(lx, 0) != '.' || !lex_is_digit(lex_peek(lx, 1)))
        return false;
    uint32_t n = lx->tokens.len;
    if (n == 0)
        return true;
    tg_tok prev = lx->tokens.data[n - 1].kind;
    if (prev == TG_TOK_INT)
        return n < 2 || lx->tokens.data[n - 2].kind != TG_TOK_DOT;
    return prev != TG_TOK_ID && prev != TG_TOK_RPAREN && prev != TG_TOK_RBRACKET &&
           prev != TG_TOK_ERROR;
}

static bool lex_bare_fraction(lexer *lx, tg_token *token) {
    lx->pos++;
    while (lex_is_word(lex_peek(lx, 0)))
        lx->pos++;
    token->end = lx->pos;
    token->kind = TG_TOK_FLOAT;
    const char *instead = tg_arena_printf(lx->arena, "0%.*s", (int)(token->end - token->begin),
                                          lx->text + token->begin);
    tg_span span = lex_span(lx, token->begin, token->end);
    tg_diag *diag = tg_report(lx->diags, TG_E0102, span, "malformed number; write %s", instead);
    tg_diag_add_edit(lx->diags, diag, span, instead);
    return true;
}

/* False if what stood there gives no token. */
static bool lex_token(lexer *lx, tg_token *token) {
    char c = lex_peek(lx, 0);
    bool after_dot =
        lx->tokens.len > 0 && lx->tokens.data[lx->tokens.len - 1].kind == TG_TOK_DOT;
    if (lex_is_digit(c)) {
        (after_dot ? tg_lex_element : tg_lex_number)(lx, token);
        return true;
    }
    if (lex_is_word(c)) {
        while (lex_is_word(lex_peek(lx, 0)))
            lx->pos++;
        token->end = lx->pos;
        return lex_word(lx, lx->text + token->begin, token->end - token->begin, token);
    }
    if (c == '"') {
        tg_lex_string(lx, token);
        return true;
    }
    if (is_bare_fraction(lx))
        return lex_bare_fraction(lx, token);
    uint32_t n = lex_operator(lx, lx->text + lx->pos, lx->len - lx->pos, token);
    if (n == 0)
        return lex_unexpected(lx, token);
    lx->pos += n;
    token->end = lx->pos;
    return true;
}

static void init_words(lexer *lx) {
    lx->words = tg_map_create(lx->arena);
    for (size_t i = 0; i < COUNT(words); i++)
        tg_map_set(lx->words, tg_intern_cstr(lx->names, words[i].text),
                   (void *)(uintptr_t)(i + 1));
}

static void init_operators(lexer *lx) {
    memset(lx->first_operator, COUNT(operators), sizeof lx->first_operator);
    for (size_t i = COUNT(operators); i-- > 0;) {
        lx->first_operator[(unsigned char)operators[i].text[0]] = (uint8_t)i;
    }
}

/* Room for about as many as there will be: some six bytes each. */
static void init_tokens(lexer *lx) {
    lx->tokens.cap = lx->len / 6 + 16;
    lx->tokens.data = TG_NEW_ARRAY(lx->arena, tg_token, lx->tokens.cap);
}

tg_tokens tg_lex_file(tg_arena *arena, tg_interner *names, tg_diags *diags, uint32_t file) {
    const tg_source *source = tg_sources_get(diags->sources, file);
    lexer lx = {.arena = arena,
                .names = names,
                .diags = diags,
                .text = source->text,
                .len = source->len,
                .file = file};
    init_words(&lx);
    init_operators(&lx);
    init_tokens(&lx);
    if (lx.len >= 3 && memcmp(lx.text, "\xEF\xBB\xBF", 3) == 0)
        lx.pos = 3; /* byte order mark */
    for (skip_space(&lx); lx.pos < lx.len; skip_space(&lx)) {
        tg_token token = {.begin = lx.pos,
                          .column_one = lx.pos == 0 || lx.text[lx.pos - 1] == '\n'};
        token.first = only_space_before(&lx, lx.pos);
        if (lex_token(&lx, &token))
            tg_vec_push(arena, &lx.tokens, token);
    }
    tg_token eof = {.kind = TG_TOK_EOF,
                    .begin = lx.len,
                    .end = lx.len,
                    .bad = lx.unterminated,
                    .first = true,
                    .column_one = true};
    tg_vec_push(arena, &lx.tokens, eof);
    return (tg_tokens){lx.tokens.data, lx.tokens.len, lx.comments.data, lx.comments.len};
}
