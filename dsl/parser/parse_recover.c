/* Errors of the parser: what to say, and where to go on (language.md section 3, "Error
 * recovery").
 *
 * Brackets are matched before parsing. In a file whose brackets balance that is all; otherwise
 * a second matching guesses where the unclosed ones end: `(` and `[` at the next `;` or `{`,
 * blocks at `}` or at an item keyword in column 1. Recovery then needs no counting: a
 * statement ends at the next `;` that is not inside a matched pair, or behind its block; a
 * header `(…)` ends at its closing bracket, so that errors in the body behind it are found
 * too. */
#include "dsl/parser/parse_private.h"

#include <string.h>

static const struct {
    const char *word, *help;
} hints[] = {
#define HINT(word, help) {word, help},
#include "dsl/parser/hints.def"
#undef HINT
};

/* ---- brackets ---------------------------------------------------------------------------- */

static tg_tok closer_of(tg_tok open) {
    return open == TG_TOK_LPAREN     ? TG_TOK_RPAREN
           : open == TG_TOK_LBRACKET ? TG_TOK_RBRACKET
           : open == TG_TOK_LBRACE   ? TG_TOK_RBRACE
                                     : TG_TOK_NONE;
}

static bool is_closer(tg_tok kind) {
    return kind == TG_TOK_RPAREN || kind == TG_TOK_RBRACKET || kind == TG_TOK_RBRACE;
}

typedef struct matcher {
    tg_parser *p;
    TG_VEC(uint32_t) open; /* stack of token indices */
    bool balanced;
} matcher;

static tg_tok top_kind(const matcher *m) {
    return m->open.len ? m->p->tokens[m->open.data[m->open.len - 1]].kind : TG_TOK_NONE;
}

/* Token i closes the innermost open bracket. */
static void set_pair(matcher *m, uint32_t i) {
    uint32_t open = m->open.data[--m->open.len];
    m->p->closers[open] = i;
    m->p->openers[i] = open;
}

/* At the start of a line and inside brackets: a bracket before it is not closed, whatever the
 * count says. */
static bool cannot_be_inside(const tg_token *t) {
    tg_tok k = t->kind;
    return t->column_one && (k == TG_TOK_KERNEL || k == TG_TOK_IMPORT || k == TG_TOK_EXTERN ||
                             k == TG_TOK_TUNE || k == TG_TOK_SCHEDULE || k == TG_TOK_GRAD);
}

static void match_strictly(matcher *m) {
    m->balanced = true;
    for (uint32_t i = 0; i < m->p->n_tokens && m->balanced; i++) {
        tg_tok kind = m->p->tokens[i].kind;
        if (closer_of(kind) != TG_TOK_NONE) {
            tg_vec_push(m->p->arena, &m->open, i);
        } else if (cannot_be_inside(&m->p->tokens[i])) {
            m->balanced = m->open.len == 0;
        } else if (is_closer(kind)) {
            m->balanced = m->open.len && closer_of(top_kind(m)) == kind;
            if (m->balanced)
                set_pair(m, i);
        }
    }
    m->balanced = m->balanced && m->open.len == 0;
}

/* Everything above the innermost `{` (`whole`: everything) is taken to end before token i. */
static void end_open(matcher *m, uint32_t i, bool whole) {
    while (m->open.len && (whole || top_kind(m) != TG_TOK_LBRACE))
        m->p->closers[m->open.data[--m->open.len]] = i;
}

/* The parentheses of `for (int i = 0; …; …)` hold semicolons. */
static bool is_c_for(const matcher *m) {
    uint32_t open = m->open.len ? m->open.data[m->open.len - 1] : 0;
    return open > 0 && top_kind(m) == TG_TOK_LPAREN &&
           m->p->tokens[open - 1].kind == TG_TOK_FOR;
}

static void match_closer(matcher *m, uint32_t i, tg_tok kind) {
    if (kind == TG_TOK_RBRACE)
        end_open(m, i, false);
    uint32_t n = m->open.len; /* a bracket of the other kind in between was not closed */
    while (n > 0 && closer_of(m->p->tokens[m->open.data[n - 1]].kind) != kind &&
           m->p->tokens[m->open.data[n - 1]].kind != TG_TOK_LBRACE)
        n--;
    if (n == 0 || closer_of(m->p->tokens[m->open.data[n - 1]].kind) != kind)
        return;
    while (m->open.len >= n)
        set_pair(m, i); /* the last one stays */
}

static void match_leniently(matcher *m) {
    m->open.len = 0;
    for (uint32_t i = 0; i < m->p->n_tokens; i++) {
        const tg_token *t = &m->p->tokens[i];
        if (tg_parse_starts_item(m->p, i) || t->kind == TG_TOK_EOF)
            end_open(m, i, true);
        if (t->kind == TG_TOK_LBRACE || (t->kind == TG_TOK_SEMI && !is_c_for(m)))
            end_open(m, i, false);
        if (t->kind == TG_TOK_RBRACE && t->column_one)
            while (m->open.len > 1 && m->p->tokens[m->open.data[0]].kind == TG_TOK_LBRACE)
                m->p->closers[m->open.data[--m->open.len]] = i;
        if (closer_of(t->kind) != TG_TOK_NONE)
            tg_vec_push(m->p->arena, &m->open, i);
        else if (is_closer(t->kind))
            match_closer(m, i, t->kind);
    }
}

void tg_parse_match_brackets(tg_parser *p) {
    p->closers = TG_NEW_ARRAY(p->arena, uint32_t, p->n_tokens);
    p->openers = TG_NEW_ARRAY(p->arena, uint32_t, p->n_tokens);
    matcher m = {.p = p};
    match_strictly(&m);
    if (!m.balanced)
        match_leniently(&m);
}

bool tg_parse_starts_item(const tg_parser *p, uint32_t index) {
    const tg_token *t = &p->tokens[index];
    tg_tok k = t->kind;
    return t->column_one && (k == TG_TOK_IMPORT || k == TG_TOK_CONST || k == TG_TOK_FN ||
                             k == TG_TOK_EXTERN || k == TG_TOK_KERNEL || k == TG_TOK_TUNE ||
                             k == TG_TOK_SCHEDULE || k == TG_TOK_GRAD || k == TG_TOK_PRIVATE);
}

/* ---- messages ---------------------------------------------------------------------------- */

const char *tg_parse_describe(const tg_parser *p, uint32_t index) {
    const tg_token *t = &p->tokens[index];
    const char *text = tg_parse_text(p, t->begin, t->end);
    if (t->kind == TG_TOK_EOF)
        return "the end of the file";
    if (t->kind == TG_TOK_STRING)
        return "a string";
    if (t->kind == TG_TOK_ERROR)
        return "an unexpected character";
    const char *what = t->kind == TG_TOK_ID                               ? "name "
                       : t->kind == TG_TOK_TYPE                           ? "type "
                       : tg_tok_is_keyword(t->kind)                       ? "keyword "
                       : t->kind == TG_TOK_INT || t->kind == TG_TOK_FLOAT ? "number "
                                                                          : "";
    return tg_arena_printf(p->arena, "%s'%.40s'", what, text);
}

bool tg_parse_is_quiet(const tg_parser *p) {
    return p->panic || p->mute > 0 || current(p)->bad || (p->pos > 0 && previous(p)->bad);
}

/* A diagnostic that is in no list, for callers that decorate what they reported. */
static tg_diag *scratch(const tg_parser *p) {
    return TG_NEW(p->arena, tg_diag);
}

tg_diag *tg_parse_warn_at(tg_parser *p, tg_diag_code code, tg_span span, const char *fmt, ...) {
    if (tg_parse_is_quiet(p))
        return scratch(p);
    va_list args;
    va_start(args, fmt);
    const char *message = tg_arena_vprintf(p->arena, fmt, args);
    va_end(args);
    return tg_report(p->diags, code, span, "%s", message);
}

/* A word of hints.def that is plainly used as a variable says nothing about the writer's
 * habits. */
static bool is_variable(const tg_parser *p, uint32_t i) {
    tg_tok next = p->tokens[i].kind == TG_TOK_ID ? p->tokens[i + 1].kind : TG_TOK_SET;
    tg_tok prev = i > 0 ? p->tokens[i - 1].kind : TG_TOK_EOF;
    if (p->tokens[i].kind == TG_TOK_ID &&
        (prev == TG_TOK_DOT || prev == TG_TOK_HASH || prev == TG_TOK_AT))
        return false;
    return next == TG_TOK_LBRACKET || next == TG_TOK_SET || next == TG_TOK_SEMI ||
           next == TG_TOK_COMMA || next == TG_TOK_RPAREN || next == TG_TOK_IN ||
           (next >= TG_TOK_EQ && next <= TG_TOK_GT);
}

/* The first row of hints.def whose word stands around the error. */
static void add_hints(tg_parser *p, tg_diag *diag) {
    enum { before = 3, behind = 4 };
    uint32_t begin = p->pos > p->start + before ? p->pos - before : p->start;
    uint32_t end = p->pos + behind < p->n_tokens ? p->pos + behind : p->n_tokens - 1;
    for (size_t h = 0; h < sizeof hints / sizeof hints[0]; h++)
        for (uint32_t i = begin; i < end; i++)
            if (!is_variable(p, i) && strcmp(hints[h].word, p->tokens[i].name) == 0) {
                tg_diag_add_help(p->diags, diag, "%s", hints[h].help);
                return;
            }
    if (p->tokens[p->pos].kind == TG_TOK_AT)
        tg_diag_add_help(p->diags, diag,
                         "a product of matrices names its axes: `dot(A[m, k], B[k, n], k)`");
    else if (p->tokens[p->pos].kind == TG_TOK_HASH)
        tg_diag_add_help(p->diags, diag, "comments are `// …` and `/* … */`");
}

tg_diag *tg_parse_fail(tg_parser *p, tg_diag_code code, const char *fmt, ...) {
    bool quiet = tg_parse_is_quiet(p);
    tg_diag *diag;
    if (quiet) {
        diag = scratch(p);
    } else {
        va_list args;
        va_start(args, fmt);
        const char *message = tg_arena_vprintf(p->arena, fmt, args);
        va_end(args);
        diag = tg_report(p->diags, code, token_span(p, p->pos), "%s", message);
        add_hints(p, diag);
    }
    p->panic = true;
    p->n_failures++;
    return diag;
}

tg_diag *tg_parse_fail_expected(tg_parser *p, const char *what, const char *after) {
    return tg_parse_fail(p, TG_E0104, "expected %s after %s, found %s", what, after,
                         tg_parse_describe(p, p->pos));
}

/* Behind the last token: where the missing one belongs. */
static tg_span gap(const tg_parser *p) {
    uint32_t end = previous(p)->end;
    return (tg_span){p->file, end, end};
}

/* May a missing token of this kind be taken as read? If the construct ends here anyway. */
static bool ends_here(const tg_parser *p, tg_tok kind) {
    const tg_token *t = current(p);
    tg_tok k = t->kind;
    bool closing = k == TG_TOK_SEMI || k == TG_TOK_RBRACE || k == TG_TOK_EOF ||
                   tg_parse_starts_item(p, p->pos);
    if (kind == TG_TOK_SEMI) {
        bool statement = tg_tok_is_keyword(k) && k != TG_TOK_IN && k != TG_TOK_WHERE &&
                         k != TG_TOK_ELSE && (k != TG_TOK_IF || t->first); /* `x if c else y` */
        return closing || statement || (t->first && (k == TG_TOK_ID || k == TG_TOK_LBRACE));
    }
    return closing || k == TG_TOK_LBRACE || (kind == TG_TOK_RBRACKET && k == TG_TOK_RPAREN) ||
           (kind == TG_TOK_RPAREN && t->first && tg_tok_is_keyword(k));
}

bool tg_parse_expect(tg_parser *p, tg_tok kind, const char *after) {
    if (p->panic)
        return false;
    if (accept(p, kind))
        return true;
    tg_tok found = current(p)->kind;
    bool list = ((kind == TG_TOK_RPAREN || kind == TG_TOK_RBRACKET) &&
                 (found == TG_TOK_ID || found == TG_TOK_INT || found == TG_TOK_FLOAT)) ||
                (kind == TG_TOK_RPAREN && (found == TG_TOK_IN || found == TG_TOK_OUT ||
                                           found == TG_TOK_INOUT || found == TG_TOK_TYPE));
    const char *what =
        tg_arena_printf(p->arena, list ? "',' or '%s'" : "'%s'", tg_tok_spelling(kind));
    bool insertable = kind == TG_TOK_SEMI || kind == TG_TOK_RPAREN || kind == TG_TOK_RBRACKET;
    if (!insertable || !ends_here(p, kind)) {
        tg_diag *failed = tg_parse_fail_expected(p, what, after);
        if (kind == TG_TOK_SEMI && found == TG_TOK_IF)
            tg_diag_add_help(p->diags, failed, "to choose per element write `c ? a : b`");
        return false;
    }
    tg_span span =
        current(p)->first && p->pos > 0 ? token_span(p, p->pos - 1) : token_span(p, p->pos);
    tg_diag *diag = tg_parse_warn_at(p, TG_E0104, span, "expected %s after %s", what, after);
    tg_diag_add_edit(p->diags, diag, gap(p), tg_tok_spelling(kind));
    return true;
}

void tg_parse_close(tg_parser *p, uint32_t open, tg_tok kind, const char *after) {
    tg_parse_expect(p, kind, after);
    uint32_t closer = p->closers[open];
    if (!p->panic || closer < p->pos)
        return;
    p->pos = closer;
    p->panic = false;
    if (p->tokens[closer].kind == kind)
        advance(p);
}

void tg_parse_sync(tg_parser *p, uint32_t start, uint32_t end) {
    uint32_t i = start;
    while (i < end) {
        tg_tok kind = p->tokens[i].kind;
        uint32_t closer = p->closers[i];
        if (i >= p->pos &&
            (kind == TG_TOK_RBRACE || (i > p->pos && tg_parse_starts_item(p, i))))
            break;
        if (closer_of(kind) != TG_TOK_NONE && closer > i && closer < end) {
            i = p->tokens[closer].kind == closer_of(kind) ? closer + 1 : closer;
            tg_tok next = p->tokens[i].kind;
            if (kind == TG_TOK_LBRACE && i > p->pos && next != TG_TOK_ELSE &&
                next != TG_TOK_SEMI && next != TG_TOK_COMMA)
                break;
            continue;
        }
        i++;
        if (kind == TG_TOK_SEMI && i > p->pos && p->tokens[i].kind != TG_TOK_ELSE)
            break;
    }
    if (i <= p->pos && p->pos < end && p->pos == start)
        i = p->pos + 1; /* always move on */
    p->pos = i > p->pos ? i : p->pos;
    p->panic = false;
}

bool tg_parse_more(tg_parser *p, tg_tok closer) {
    if (!at(p, TG_TOK_COMMA))
        return false;
    uint32_t comma = p->pos;
    advance(p);
    if (!at(p, closer))
        return true;
    tg_diag *diag = tg_parse_warn_at(p, TG_E0110, token_span(p, comma), "trailing comma");
    tg_diag_add_edit(p->diags, diag, token_span(p, comma), "");
    return false;
}

bool tg_parse_enter(tg_parser *p, tg_diag_code code) {
    if (++p->depth <= TG_PARSE_MAX_DEPTH)
        return false;
    if (!p->panic) {
        tg_diag *diag =
            tg_parse_fail(p, code, "nesting deeper than %d levels", (int)TG_PARSE_MAX_DEPTH);
        tg_diag_add_help(p->diags, diag, "name a part with `let`, or move it into an `fn`");
    }
    p->depth--;
    return true;
}

void tg_parse_leave(tg_parser *p) {
    p->depth--;
}
