/* What the files of the parser share: its state, token access, errors and recovery.
 *
 * An error is either repaired on the spot (a missing `;`, a trailing comma: parsing goes on)
 * or sets `panic`. While `panic` is set every token reads as TG_TOK_NONE, so all parsing
 * functions return at once and say nothing; the statement, header or item that can recover
 * clears it (tg_parse_sync, tg_parse_close). No function needs to check for errors of the ones
 * it calls, and none may loop without consuming a token. */
#ifndef TG_PARSER_PARSE_PRIVATE_H
#define TG_PARSER_PARSE_PRIVATE_H

#include "dsl/parser/lex.h"

enum {
    TG_PARSE_MAX_DEPTH = 256,  /* nested brackets, blocks and conditionals */
    TG_PARSE_MAX_HEIGHT = 1000 /* of an expression tree: bounds the recursion of its readers */
};

typedef struct tg_parser {
    tg_arena *arena;
    tg_interner *names;
    tg_diags *diags;
    const tg_source *source;
    uint32_t file;
    const tg_token *tokens;
    uint32_t n_tokens;
    uint32_t *closers; /* of an opening bracket: its closing one, or where it ends */
    uint32_t *openers; /* of a closing bracket: the one it closes */
    uint32_t pos;
    uint32_t
        start; /* first token of the current statement or item: hints are looked for there */
    bool panic;
    uint32_t n_failures; /* errors after which something was skipped */
    uint32_t mute;       /* > 0: errors are not reported */
    uint32_t depth;
    const tg_generic *generics; /* type parameters in scope */
    uint32_t n_generics;
    tg_map *bad_names; /* keywords that were used as names: one message each */
    struct {
        tg_name from, until, step, strides, when, like, require, bucket, min, max;
    } words;
} tg_parser;

/* ---- tokens ------------------------------------------------------------------------------ */

static inline const tg_token *current(const tg_parser *p) {
    return &p->tokens[p->pos];
}

static inline const tg_token *previous(const tg_parser *p) {
    return &p->tokens[p->pos ? p->pos - 1 : 0];
}

static inline tg_tok peek_kind(const tg_parser *p, uint32_t ahead) {
    uint32_t at = p->pos + ahead < p->n_tokens ? p->pos + ahead : p->n_tokens - 1;
    return p->panic ? TG_TOK_NONE : p->tokens[at].kind;
}

static inline bool at(const tg_parser *p, tg_tok kind) {
    return peek_kind(p, 0) == kind;
}

static inline bool at_word(const tg_parser *p, tg_name word) {
    return at(p, TG_TOK_ID) && current(p)->name == word;
}

static inline void advance(tg_parser *p) {
    if (p->pos + 1 < p->n_tokens)
        p->pos++;
}

static inline bool accept(tg_parser *p, tg_tok kind) {
    bool found = at(p, kind);
    if (found)
        advance(p);
    return found;
}

static inline bool accept_word(tg_parser *p, tg_name word) {
    bool found = at_word(p, word);
    if (found)
        advance(p);
    return found;
}

static inline tg_span token_span(const tg_parser *p, uint32_t index) {
    return (tg_span){p->file, p->tokens[index].begin, p->tokens[index].end};
}

/* From the first token of a construct to the last one consumed. */
static inline tg_span span_from(const tg_parser *p, uint32_t first) {
    uint32_t last = p->pos > first ? p->pos - 1 : first;
    return (tg_span){p->file, p->tokens[first].begin, p->tokens[last].end};
}

/* ---- errors and recovery: parse_recover.c ------------------------------------------------ */

void tg_parse_match_brackets(tg_parser *p);
/* Whether a message here would only repeat an earlier one. */
bool tg_parse_is_quiet(const tg_parser *p);
/* Reports (unless quiet) and goes on; never null. */
tg_diag *tg_parse_warn_at(tg_parser *p, tg_diag_code code, tg_span span, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* Reports at the current token with the hints that apply there, and panics. */
tg_diag *tg_parse_fail(tg_parser *p, tg_diag_code code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* E0104 "expected <what> after <after>, found …"; panics. */
tg_diag *tg_parse_fail_expected(tg_parser *p, const char *what, const char *after);
/* The token must be here. A missing `;` or closing bracket is repaired if what follows allows
 * it. */
bool tg_parse_expect(tg_parser *p, tg_tok kind, const char *after);
/* Closing bracket of the opening one at token `open`; after a panic inside goes on behind it. */
void tg_parse_close(tg_parser *p, uint32_t open, tg_tok kind, const char *after);
/* Ends a panic: skips the rest of the statement that began at token `start`, at most to token
 * `end`. */
void tg_parse_sync(tg_parser *p, uint32_t start, uint32_t end);
/* Next element of a comma list? Reports a comma before `closer` (E0110). */
bool tg_parse_more(tg_parser *p, tg_tok closer);
/* True if nesting is too deep (reported, panics); else the depth is one more until
 * tg_parse_leave. */
bool tg_parse_enter(tg_parser *p, tg_diag_code code);
void tg_parse_leave(tg_parser *p);
const char *tg_parse_describe(const tg_parser *p, uint32_t index);
bool tg_parse_starts_item(const tg_parser *p, uint32_t index);

/* ---- names, types, parameters: parse_type.c ---------------------------------------------- */

tg_name tg_parse_name(tg_parser *p, const char *what, tg_span *span); /* E0104, E0108 */
typedef struct tg_name_list {
    tg_name *items;
    tg_span *spans;
    uint32_t n;
} tg_name_list;
tg_name_list tg_parse_names(tg_parser *p, tg_tok closer, const char *what);
typedef enum tg_tref_form {
    TG_FORM_TYPE,
    TG_FORM_PTYPE,
    TG_FORM_VTYPE
} tg_tref_form; /* as in the grammar */
tg_tref *tg_parse_type(tg_parser *p, tg_tref_form form);
void tg_parse_dims(tg_parser *p, tg_dim **dims, uint32_t *n_dims);
/* `[a, b]` after a declared name, if it is there; repairs `[128][64]` (E0106). `before`: start
 * of the declaration */
tg_name_list tg_parse_axes(tg_parser *p, uint32_t before);
void tg_parse_generics(tg_parser *p, tg_generic **generics, uint32_t *n_generics);
typedef struct tg_param_list {
    tg_param *items;
    uint32_t n;
} tg_param_list;
tg_param_list tg_parse_params(tg_parser *p, bool of_kernel);
bool tg_parse_is_type_param(const tg_parser *p, tg_name name);

/* ---- expressions: parse_expr.c ----------------------------------------------------------- */

tg_expr *tg_parse_new_expr(tg_parser *p, tg_expr_kind kind, tg_span span);
tg_expr *tg_parse_expr(tg_parser *p); /* `=` after it is E0107 */
tg_expr *tg_parse_postfix(tg_parser *p);
void tg_parse_exprs(tg_parser *p, tg_tok closer, tg_expr ***items, uint32_t *n_items);
void tg_parse_args(tg_parser *p, tg_tok closer, tg_arg **args,
                   uint32_t *n_args); /* behind the opening bracket */
void tg_parse_callargs(tg_parser *p, tg_arg **args, uint32_t *n_args); /* with its brackets */
const char *tg_parse_string(tg_parser *p, uint32_t *len); /* adjacent strings concatenated */
const char *tg_parse_text(const tg_parser *p, uint32_t begin, uint32_t end); /* source text */

/* ---- statements: parse_stmt.c, parse_launch.c -------------------------------------------- */

tg_stmt *tg_parse_new_stmt(tg_parser *p, tg_stmt_kind kind);
/* A declaration that was not understood: its names stay known, as poison. */
void tg_parse_keep_names(tg_stmt *stmt);
tg_stmt *tg_parse_finish(tg_parser *p, tg_stmt *stmt,
                         uint32_t first); /* sets the span; POISON after a panic */
tg_stmt *tg_parse_stmt(tg_parser *p);
tg_stmt *tg_parse_block(tg_parser *p, bool launch); /* launch: kblock, else block */
tg_stmt *tg_parse_launch_stmt(tg_parser *p);
tg_stmt *tg_parse_let(tg_parser *p);
tg_stmt *tg_parse_view(tg_parser *p);
tg_stmt *tg_parse_grid(tg_parser *p);
tg_stmt *tg_parse_static_assert(tg_parser *p);
void tg_parse_domain(tg_parser *p, tg_domain *domain);
void tg_parse_binder(tg_parser *p, tg_binder *binder);
/* `( expr )` of if and while */
tg_expr *tg_parse_condition(tg_parser *p, const char *keyword);

/* ---- items: parse.c, parse_tune.c -------------------------------------------------------- */

void tg_parse_tune(tg_parser *p, tg_item *item);
void tg_parse_schedule(tg_parser *p, tg_item *item);

#endif
