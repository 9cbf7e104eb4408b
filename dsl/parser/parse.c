/* Parser: tokens to the syntax tree of a file (language.md section 3). This file has the
 * items; the state, the way errors are handled and the list of the other files are in
 * parse_private.h.
 *
 * Recursive descent with one token of look-ahead. Nesting is limited, so that no input
 * exhausts the stack, and every loop consumes a token or ends. */
#include "dsl/parser/parse_private.h"

#include <string.h>

/* ---- functions and kernels --------------------------------------------------------------- */

/* After a panic in a header: goes on at its body, if there is one. True if parsing may go on. */
static bool recover_at_body(tg_parser *p) {
    if (!p->panic)
        return true;
    uint32_t i = p->pos;
    while (p->tokens[i].kind != TG_TOK_LBRACE && p->tokens[i].kind != TG_TOK_SEMI &&
           p->tokens[i].kind != TG_TOK_EOF && (i == p->start || !tg_parse_starts_item(p, i)))
        i++;
    if (p->tokens[i].kind != TG_TOK_LBRACE)
        return false;
    p->pos = i;
    p->panic = false;
    return true;
}

static void parse_signature(tg_parser *p, tg_fn *fn) {
    fn->name = tg_parse_name(p, "the name of the function", &fn->name_span);
    tg_parse_generics(p, &fn->generics, &fn->n_generics);
    tg_param_list params = tg_parse_params(p, false);
    fn->params = params.items;
    fn->n_params = params.n;
    if (at(p, TG_TOK_TYPE) || at(p, TG_TOK_WIDE) || at(p, TG_TOK_COLON)) {
        tg_diag *diag = tg_parse_warn_at(p, TG_E0104, token_span(p, p->pos),
                                         "expected '->' before the result type, found %s",
                                         tg_parse_describe(p, p->pos));
        bool colon = accept(p, TG_TOK_COLON);
        tg_span span = colon ? token_span(p, p->pos - 1)
                             : (tg_span){p->file, current(p)->begin, current(p)->begin};
        tg_diag_add_edit(p->diags, diag, span, colon ? " ->" : "-> ");
    } else {
        tg_parse_expect(p, TG_TOK_ARROW, "the parameters");
    }
    fn->result = tg_parse_type(p, TG_FORM_VTYPE);
}

static void parse_fn(tg_parser *p, tg_item *item) {
    tg_fn *fn = &item->u.fn;
    item->kind = TG_ITEM_FN;
    advance(p);
    uint32_t failures = p->n_failures;
    parse_signature(p, fn);
    fn->broken = p->n_failures != failures;
    if (accept(p, TG_TOK_SET)) {
        fn->value = tg_parse_expr(p);
        tg_parse_expect(p, TG_TOK_SEMI, "the function");
    } else if (recover_at_body(p)) {
        if (at(p, TG_TOK_LBRACE))
            fn->body = tg_parse_block(p, false);
        else
            tg_parse_fail_expected(p, "'=' or '{'", "the result type");
    }
}

static tg_expr *parse_string_expr(tg_parser *p, const char *what, const char *after) {
    uint32_t first = p->pos;
    tg_expr *e = tg_parse_new_expr(p, TG_EXPR_STRING, token_span(p, first));
    if (!at(p, TG_TOK_STRING)) {
        if (!p->panic)
            tg_parse_fail_expected(p, what, after);
        e->u.string.text = "";
        return e;
    }
    e->u.string.text = tg_parse_string(p, &e->u.string.len);
    e->span = span_from(p, first);
    return e;
}

static void parse_extern(tg_parser *p, tg_item *item) {
    tg_fn *fn = &item->u.fn;
    item->kind = TG_ITEM_EXTERN_FN;
    advance(p);
    fn->extern_target =
        parse_string_expr(p, "a target like \"ptx\"", "'extern'")->u.string.text;
    tg_parse_expect(p, TG_TOK_FN, "the target");
    parse_signature(p, fn);
    tg_parse_expect(p, TG_TOK_SET, "the result type");
    fn->extern_code = parse_string_expr(p, "the code as a string", "'='");
    tg_parse_expect(p, TG_TOK_SEMI, "the function");
}

/* { "where" … | "fast" (…) } */
static void parse_clauses(tg_parser *p, tg_kernel_decl *k) {
    TG_VEC(tg_expr *) wheres = {0};
    TG_VEC(tg_name) fast = {0};
    TG_VEC(tg_span) spans = {0};
    while (at(p, TG_TOK_WHERE) || at(p, TG_TOK_FAST)) {
        if (accept(p, TG_TOK_WHERE)) {
            do
                tg_vec_push(p->arena, &wheres, tg_parse_expr(p));
            while (tg_parse_more(p, TG_TOK_LBRACE));
            continue;
        }
        advance(p);
        tg_parse_expect(p, TG_TOK_LPAREN, "'fast'");
        tg_name_list names = tg_parse_names(p, TG_TOK_RPAREN, "a relaxation");
        tg_parse_expect(p, TG_TOK_RPAREN, "the relaxations");
        for (uint32_t i = 0; i < names.n; i++) {
            tg_vec_push(p->arena, &fast, names.items[i]);
            tg_vec_push(p->arena, &spans, names.spans[i]);
        }
    }
    k->wheres = wheres.data;
    k->n_wheres = wheres.len;
    k->fast = fast.data;
    k->fast_spans = spans.data;
    k->n_fast = fast.len;
}

static void parse_kernel(tg_parser *p, tg_item *item) {
    tg_kernel_decl *k = &item->u.kernel;
    item->kind = TG_ITEM_KERNEL;
    advance(p);
    uint32_t failures = p->n_failures;
    k->name = tg_parse_name(p, "the name of the kernel", &k->name_span);
    tg_parse_generics(p, &k->generics, &k->n_generics);
    tg_param_list params = tg_parse_params(p, true);
    k->params = params.items;
    k->n_params = params.n;
    parse_clauses(p, k);
    if (at(p, TG_TOK_ARROW)) {
        tg_diag *diag = tg_parse_fail_expected(p, "'{'", "the parameters");
        tg_diag_add_help(p->diags, diag,
                         "a kernel returns nothing: its results are `out` tensors");
    }
    k->broken = p->n_failures != failures;
    if (!recover_at_body(p))
        return;
    if (at(p, TG_TOK_LBRACE))
        k->body = tg_parse_block(p, true);
    else
        tg_parse_fail_expected(p, "'where', 'fast' or '{'", "the header of the kernel");
}

/* ---- other items ------------------------------------------------------------------------- */

static void parse_import(tg_parser *p, tg_item *item) {
    item->kind = TG_ITEM_IMPORT;
    advance(p);
    const tg_expr *path = parse_string_expr(p, "the path of a module as a string", "'import'");
    item->u.import.path = path->u.string.text;
    item->u.import.path_span = path->span;
    tg_span span;
    if (accept(p, TG_TOK_AS)) {
        item->u.import.alias = tg_parse_name(p, "a name after 'as'", &span);
    } else if (accept(p, TG_TOK_COLON)) {
        tg_name_list names = tg_parse_names(p, TG_TOK_SEMI, "a name to import");
        item->u.import.names = names.items;
        item->u.import.name_spans = names.spans;
        item->u.import.n_names = names.n;
    }
    tg_parse_expect(p, TG_TOK_SEMI, "the import");
}

static void parse_const(tg_parser *p, tg_item *item) {
    item->kind = TG_ITEM_CONST;
    advance(p);
    item->u.constant.type = tg_parse_type(p, TG_FORM_TYPE);
    item->u.constant.name =
        tg_parse_name(p, "the name of the constant", &item->u.constant.name_span);
    tg_parse_expect(p, TG_TOK_SET, "the name");
    item->u.constant.value = tg_parse_expr(p);
    tg_parse_expect(p, TG_TOK_SEMI, "the constant");
}

static void parse_grad(tg_parser *p, tg_item *item) {
    item->kind = TG_ITEM_GRAD;
    advance(p);
    item->u.grad.name =
        tg_parse_name(p, "the name of a kernel or function", &item->u.grad.name_span);
    item->u.grad.like = accept_word(p, p->words.like);
    if (!item->u.grad.like && !accept(p, TG_TOK_SET) && !p->panic)
        tg_parse_fail_expected(p, "'=' or 'like'", "the name");
    item->u.grad.other =
        tg_parse_name(p, "the name of a kernel or function", &item->u.grad.other_span);
    tg_parse_expect(p, TG_TOK_SEMI, "the grad item");
}

static void parse_item_assert(tg_parser *p, tg_item *item) {
    item->kind = TG_ITEM_STATIC_ASSERT;
    advance(p);
    tg_parse_callargs(p, &item->u.static_assertion.args, &item->u.static_assertion.n_args);
    tg_parse_expect(p, TG_TOK_SEMI, "static_assert");
}

typedef struct item_row {
    tg_tok kind;
    bool may_be_private;
    void (*parse)(tg_parser *, tg_item *);
} item_row;

static const item_row item_rows[] = {
    {TG_TOK_KERNEL, true, parse_kernel},
    {TG_TOK_FN, true, parse_fn},
    {TG_TOK_CONST, true, parse_const},
    {TG_TOK_IMPORT, false, parse_import},
    {TG_TOK_EXTERN, false, parse_extern},
    {TG_TOK_GRAD, false, parse_grad},
    {TG_TOK_TUNE, false, tg_parse_tune},
    {TG_TOK_SCHEDULE, false, tg_parse_schedule},
    {TG_TOK_STATIC_ASSERT, false, parse_item_assert},
};

static const item_row *find_row(tg_tok kind) {
    for (size_t i = 0; i < sizeof item_rows / sizeof item_rows[0]; i++)
        if (item_rows[i].kind == kind)
            return &item_rows[i];
    return NULL;
}

static void fail_item(tg_parser *p, bool is_private) {
    if (is_private) {
        tg_parse_fail_expected(p, "const, fn or kernel", "'private'");
        return;
    }
    bool closing = at(p, TG_TOK_RBRACE);
    tg_diag *diag =
        tg_parse_fail(p, TG_E0104, "expected an item, found %s", tg_parse_describe(p, p->pos));
    if (closing)
        tg_diag_add_help(p->diags, diag, "this bracket closes nothing");
    else if (diag->helps.len == 0)
        tg_diag_add_help(
            p->diags, diag,
            "the items of a file are import, const, fn, extern fn, kernel, grad, tune, "
            "schedule and static_assert");
}

static tg_item *parse_item(tg_parser *p) {
    tg_item *item = TG_NEW(p->arena, tg_item);
    uint32_t first = p->pos;
    item->is_private = accept(p, TG_TOK_PRIVATE);
    const item_row *row = find_row(peek_kind(p, 0));
    if (row && (row->may_be_private || !item->is_private))
        row->parse(p, item);
    else
        fail_item(p, item->is_private);
    p->generics = NULL;
    p->n_generics = 0;
    item->span = span_from(p, first);
    return p->panic ? NULL : item;
}

/* ---- documentation ----------------------------------------------------------------------- */

static bool is_doc(const tg_parser *p, const tg_comment *c) {
    const char *text = p->source->text + c->span.begin;
    return c->own_line && c->span.end - c->span.begin >= 3 && memcmp(text, "///", 3) == 0 &&
           (c->span.end - c->span.begin == 3 || text[3] != '/');
}

static void put_doc_line(const tg_parser *p, const tg_comment *c, tg_strbuf *doc) {
    uint32_t begin = c->span.begin + 3, end = c->span.end;
    begin += begin < end && p->source->text[begin] == ' ';
    while (end > begin && (p->source->text[end - 1] == ' ' || p->source->text[end - 1] == '\r'))
        end--;
    if (doc->len > 0)
        tg_strbuf_putc(doc, '\n');
    tg_strbuf_put(doc, p->source->text + begin, end - begin);
}

/* The `///` lines right before token `first`; *cursor runs through the comments once. */
static const char *find_doc(tg_parser *p, const tg_tokens *tokens, uint32_t first,
                            uint32_t *cursor) {
    uint32_t after = first > 0 ? tokens->items[first - 1].end : 0;
    while (*cursor < tokens->n_comments &&
           tokens->comments[*cursor].span.end <= tokens->items[first].begin)
        (*cursor)++;
    uint32_t begin = *cursor;
    while (begin > 0 && tokens->comments[begin - 1].span.begin >= after &&
           is_doc(p, &tokens->comments[begin - 1]))
        begin--;
    if (begin == *cursor)
        return NULL;
    tg_strbuf doc;
    tg_strbuf_init(&doc, p->arena);
    for (uint32_t i = begin; i < *cursor; i++)
        put_doc_line(p, &tokens->comments[i], &doc);
    return doc.data ? doc.data : "";
}

/* ---- file -------------------------------------------------------------------------------- */

/* After an error outside all items: to the next token that surely starts one. */
static void sync_item(tg_parser *p, uint32_t first) {
    tg_parse_sync(p, first, p->n_tokens - 1);
    if (find_row(peek_kind(p, 0)))
        return;
    while (!at(p, TG_TOK_EOF) && !tg_parse_starts_item(p, p->pos) &&
           !(current(p)->first &&
             (at(p, TG_TOK_KERNEL) || at(p, TG_TOK_FN) || at(p, TG_TOK_IMPORT))))
        advance(p);
}

static void init_words(tg_parser *p) {
    p->words.from = tg_intern_cstr(p->names, "from");
    p->words.until = tg_intern_cstr(p->names, "until");
    p->words.step = tg_intern_cstr(p->names, "step");
    p->words.strides = tg_intern_cstr(p->names, "strides");
    p->words.when = tg_intern_cstr(p->names, "when");
    p->words.like = tg_intern_cstr(p->names, "like");
    p->words.require = tg_intern_cstr(p->names, "require");
    p->words.bucket = tg_intern_cstr(p->names, "bucket");
    p->words.min = tg_intern_cstr(p->names, "min");
    p->words.max = tg_intern_cstr(p->names, "max");
}

static void parse_items(tg_parser *p, const tg_tokens *tokens, tg_file *out) {
    TG_VEC(tg_item *) items = {0};
    uint32_t cursor = 0;
    while (!at(p, TG_TOK_EOF)) {
        uint32_t first = p->start = p->pos;
        tg_item *item = parse_item(p);
        if (p->panic)
            sync_item(p, first);
        if (!item)
            continue;
        item->doc = find_doc(p, tokens, first, &cursor);
        tg_vec_push(p->arena, &items, item);
    }
    out->items = items.data;
    out->n_items = items.len;
}

/* In source order: the lexer has run ahead of the parser. */
static void sort_diags(tg_diags *diags, uint32_t first) {
    for (uint32_t i = first + 1; i < diags->list.len; i++) {
        tg_diag *diag = diags->list.data[i];
        uint32_t k = i;
        for (; k > first && diags->list.data[k - 1]->span.begin > diag->span.begin; k--)
            diags->list.data[k] = diags->list.data[k - 1];
        diags->list.data[k] = diag;
    }
}

tg_file *tg_parse_file(tg_arena *arena, tg_interner *names, tg_diags *diags, uint32_t file) {
    uint32_t reported = diags->list.len;
    tg_tokens tokens = tg_lex_file(arena, names, diags, file);
    tg_parser p = {.arena = arena,
                   .names = names,
                   .diags = diags,
                   .file = file,
                   .tokens = tokens.items,
                   .n_tokens = tokens.n_items,
                   .bad_names = tg_map_create(arena)};
    p.source = tg_sources_get(diags->sources, file);
    init_words(&p);
    tg_parse_match_brackets(&p);
    tg_file *out = TG_NEW(arena, tg_file);
    out->file = file;
    out->comments = tokens.comments;
    out->n_comments = tokens.n_comments;
    parse_items(&p, &tokens, out);
    sort_diags(diags, reported);
    return out;
}
