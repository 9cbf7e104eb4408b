/* Names, types, axes lists, dimensions, type parameters and parameter lists (language.md
 * section 3).
 *
 * Any name is accepted where a type stands: whether it is a type parameter or unknown (E0202)
 * is for the elaborator to say, so that `half x = 0;` gets one message about `half` and not
 * one about the syntax. */
#include "dsl/parser/parse_private.h"

/* ---- names ------------------------------------------------------------------------------- */

tg_name tg_parse_name(tg_parser *p, const char *what, tg_span *span) {
    *span = token_span(p, p->pos);
    if (at(p, TG_TOK_ID)) {
        tg_name name = current(p)->name;
        advance(p);
        return name;
    }
    if (!p->panic && tg_tok_is_keyword(current(p)->kind) && !current(p)->first) {
        tg_name word = current(p)->name;
        const char *instead = tg_arena_printf(p->arena, "%s_", word);
        tg_diag *diag = tg_parse_warn_at(p, TG_E0108, *span,
                                         "'%s' is a keyword and cannot be a name", word);
        tg_diag_add_edit(p->diags, diag, *span, instead);
        tg_map_set(p->bad_names, word, p);
        advance(p);
        return tg_intern_cstr(p->names, instead);
    }
    if (!p->panic)
        tg_parse_fail(p, TG_E0104, "expected %s, found %s", what, tg_parse_describe(p, p->pos));
    return tg_intern_cstr(p->names, "_");
}

tg_name_list tg_parse_names(tg_parser *p, tg_tok closer, const char *what) {
    TG_VEC(tg_name) names = {0};
    TG_VEC(tg_span) spans = {0};
    do {
        tg_span span;
        tg_vec_push(p->arena, &names, tg_parse_name(p, what, &span));
        tg_vec_push(p->arena, &spans, span);
    } while (tg_parse_more(p, closer));
    return (tg_name_list){names.data, spans.data, names.len};
}

bool tg_parse_is_type_param(const tg_parser *p, tg_name name) {
    for (uint32_t i = 0; i < p->n_generics; i++)
        if (p->generics[i].name == name)
            return true;
    return false;
}

/* ---- types ------------------------------------------------------------------------------- */

static void parse_tuple_type(tg_parser *p, tg_tref *t, tg_tref_form form) {
    uint32_t open = p->pos;
    TG_VEC(tg_tref *) items = {0};
    t->kind = TG_TREF_TUPLE;
    advance(p);
    do
        tg_vec_push(p->arena, &items, tg_parse_type(p, form));
    while (tg_parse_more(p, TG_TOK_RPAREN));
    tg_parse_expect(p, TG_TOK_RPAREN, "the types of the tuple");
    t->items = items.data;
    t->n_items = items.len;
    t->span = span_from(p, open);
}

static void parse_wide(tg_parser *p, tg_tref *t) {
    advance(p);
    t->kind = TG_TREF_WIDE;
    tg_parse_expect(p, TG_TOK_LPAREN, "'wide'");
    t->inner = tg_parse_type(p, TG_FORM_TYPE);
    tg_parse_expect(p, TG_TOK_RPAREN, "the type");
}

tg_tref *tg_parse_type(tg_parser *p, tg_tref_form form) {
    uint32_t first = p->pos;
    tg_tref *t = TG_NEW(p->arena, tg_tref);
    t->span = token_span(p, first);
    if (tg_parse_enter(p, TG_E0104))
        return t;
    if (at(p, TG_TOK_TYPE) || at(p, TG_TOK_ID)) {
        t->dtype = at(p, TG_TOK_TYPE) ? current(p)->u.dtype : TG_DTYPE_NONE;
        t->name = current(p)->name;
        advance(p);
    } else if (at(p, TG_TOK_WIDE)) {
        parse_wide(p, t);
    } else if (at(p, TG_TOK_LPAREN) && form != TG_FORM_TYPE) {
        parse_tuple_type(p, t, form);
    } else if (!p->panic) {
        tg_parse_fail(p, TG_E0104, "expected a type, found %s", tg_parse_describe(p, p->pos));
    }
    if (form == TG_FORM_VTYPE && at(p, TG_TOK_LBRACKET)) {
        tg_name_list axes = tg_parse_axes(p, first);
        t->axes = axes.items;
        t->axis_spans = axes.spans;
        t->n_axes = axes.n;
        t->has_axes = true;
    }
    t->span = span_from(p, first);
    tg_parse_leave(p);
    return t;
}

/* ---- axes and dimensions ----------------------------------------------------------------- */

static bool is_axes_list(const tg_parser *p) {
    for (uint32_t i = 1;; i += 2) {
        if (peek_kind(p, i) != TG_TOK_ID)
            return peek_kind(p, i) != TG_TOK_INT &&
                   (i > 1 || tg_tok_is_keyword(peek_kind(p, i)));
        if (peek_kind(p, i + 1) != TG_TOK_COMMA)
            return peek_kind(p, i + 1) == TG_TOK_RBRACKET;
    }
}

typedef struct c_array { /* `[128][64]` as in C */
    TG_VEC(tg_expr *) extents;
    bool named; /* all of them plain names */
} c_array;

static void parse_c_array(tg_parser *p, c_array *array) {
    array->named = true;
    while (at(p, TG_TOK_LBRACKET)) {
        uint32_t open = p->pos;
        advance(p);
        do {
            tg_expr *e = at(p, TG_TOK_RBRACKET) ? NULL : tg_parse_expr(p);
            if (e)
                tg_vec_push(p->arena, &array->extents, e);
            array->named = array->named && e && e->kind == TG_EXPR_NAME;
        } while (tg_parse_more(p, TG_TOK_RBRACKET));
        tg_parse_close(p, open, TG_TOK_RBRACKET, "the axes");
    }
}

/* The axes' names as text: those written, or i, j, k … with declarations of full axes for
 * them. */
static tg_name_list name_axes(tg_parser *p, const c_array *array, tg_strbuf *list,
                              tg_strbuf *declared) {
    static const char *const letters[] = {"i", "j", "k", "l", "m", "n", "o", "p"};
    uint32_t n = array->extents.len < 8 ? array->extents.len : 8;
    tg_name *names = TG_NEW_ARRAY(p->arena, tg_name, n + 1);
    tg_span *spans = TG_NEW_ARRAY(p->arena, tg_span, n + 1);
    tg_strbuf_init(list, p->arena);
    tg_strbuf_init(declared, p->arena);
    for (uint32_t i = 0; i < n; i++) {
        const tg_expr *e = array->extents.data[i];
        names[i] = array->named ? e->u.name.name : tg_intern_cstr(p->names, letters[i]);
        spans[i] = e->span;
        tg_strbuf_printf(list, "%s%s", i ? ", " : "", names[i]);
        tg_strbuf_printf(declared, "%s%s in %s", i ? ", " : "", names[i],
                         tg_parse_text(p, e->span.begin, e->span.end));
    }
    return (tg_name_list){names, spans, n};
}

/* E0106. The repair names the axes; extents become full axes declared before the tile. */
static tg_name_list repair_axes(tg_parser *p, uint32_t before) {
    uint32_t open = p->pos;
    c_array array = {0};
    tg_strbuf list, declared;
    parse_c_array(p, &array);
    if (p->panic || array.extents.len == 0) {
        if (!p->panic)
            tg_parse_warn_at(p, TG_E0106, span_from(p, open),
                             "'[…]' takes axes here; a scalar has no brackets");
        return (tg_name_list){0};
    }
    tg_name_list names = name_axes(p, &array, &list, &declared);
    const char *tile = p->tokens[open - 1].kind == TG_TOK_ID ? p->tokens[open - 1].name : "x";
    const char *head = tg_parse_text(p, p->tokens[before].begin, p->tokens[before].end);
    tg_diag *diag =
        tg_parse_warn_at(p, TG_E0106, span_from(p, open),
                         "'[…]' takes axes here: write `%s %s[%s]`", head, tile, list.data);
    tg_span at_start = {p->file, p->tokens[before].begin, p->tokens[before].begin};
    if (!array.named)
        tg_diag_add_edit(p->diags, diag, at_start,
                         tg_arena_printf(p->arena, "axis %s; ", declared.data));
    tg_diag_add_edit(p->diags, diag, span_from(p, open),
                     tg_arena_printf(p->arena, "[%s]", list.data));
    return names;
}

tg_name_list tg_parse_axes(tg_parser *p, uint32_t before) {
    if (!at(p, TG_TOK_LBRACKET))
        return (tg_name_list){0};
    uint32_t group = p->closers[p->pos];
    bool second = group > p->pos && group + 1 < p->n_tokens &&
                  p->tokens[group].kind == TG_TOK_RBRACKET &&
                  p->tokens[group + 1].kind == TG_TOK_LBRACKET;
    if (second || !is_axes_list(p))
        return repair_axes(p, before);
    advance(p);
    tg_name_list names = tg_parse_names(p, TG_TOK_RBRACKET, "an axis");
    tg_parse_expect(p, TG_TOK_RBRACKET, "the axes");
    return names;
}

static tg_dim parse_dim(tg_parser *p) {
    tg_dim dim = {.is_const = accept(p, TG_TOK_CONST)};
    if (!dim.is_const) {
        dim.value = tg_parse_expr(p);
        return dim;
    }
    tg_span span;
    tg_name name = tg_parse_name(p, "the name of a constant dimension after 'const'", &span);
    dim.value = tg_parse_new_expr(p, TG_EXPR_NAME, span);
    dim.value->u.name.name = name;
    return dim;
}

void tg_parse_dims(tg_parser *p, tg_dim **dims, uint32_t *n_dims) {
    TG_VEC(tg_dim) list = {0};
    uint32_t open = p->pos;
    if (tg_parse_expect(p, TG_TOK_LBRACKET, "the name of the tensor")) {
        do
            tg_vec_push(p->arena, &list, parse_dim(p));
        while (tg_parse_more(p, TG_TOK_RBRACKET));
        tg_parse_close(p, open, TG_TOK_RBRACKET, "the dimensions");
    }
    while (at(p, TG_TOK_LBRACKET)) { /* A[M][N] */
        uint32_t again = p->pos;
        tg_span both = {p->file, p->tokens[again - 1].begin, p->tokens[again].end};
        tg_diag *diag =
            tg_parse_warn_at(p, TG_E0106, both, "all dimensions stand in one pair of brackets");
        tg_diag_add_edit(p->diags, diag, both, ", ");
        advance(p);
        do
            tg_vec_push(p->arena, &list, parse_dim(p));
        while (tg_parse_more(p, TG_TOK_RBRACKET));
        tg_parse_close(p, again, TG_TOK_RBRACKET, "the dimensions");
    }
    *dims = list.data;
    *n_dims = list.len;
}

/* ---- type parameters --------------------------------------------------------------------- */

static void parse_generic(tg_parser *p, tg_generic *g) {
    TG_VEC(tg_name) bounds = {0};
    TG_VEC(tg_span) spans = {0};
    g->name = tg_parse_name(p, "a type parameter", &g->span);
    if (!p->panic && !at(p, TG_TOK_COLON)) {
        tg_diag *diag =
            tg_parse_warn_at(p, TG_E0104, g->span,
                             "expected ':' and a bound after type parameter '%s'", g->name);
        tg_span after = {p->file, g->span.end, g->span.end};
        tg_diag_add_edit(p->diags, diag, after, ": any");
        return;
    }
    advance(p);
    do {
        tg_vec_push(p->arena, &spans, token_span(p, p->pos));
        tg_vec_push(p->arena, &bounds, current(p)->name);
        if (!accept(p, TG_TOK_TYPE) && !accept(p, TG_TOK_ID) && !p->panic) {
            tg_diag *diag = tg_parse_fail_expected(p, "a type or a class of types", "':'");
            tg_diag_add_help(p->diags, diag,
                             "the classes are any num integer sint uint float f8 complex");
        }
    } while (accept(p, TG_TOK_OR));
    g->bounds = bounds.data;
    g->bound_spans = spans.data;
    g->n_bounds = bounds.len;
}

void tg_parse_generics(tg_parser *p, tg_generic **generics, uint32_t *n_generics) {
    TG_VEC(tg_generic) list = {0};
    if (accept(p, TG_TOK_LT)) {
        do {
            tg_generic g = {0};
            parse_generic(p, &g);
            tg_vec_push(p->arena, &list, g);
        } while (tg_parse_more(p, TG_TOK_GT));
        tg_parse_expect(p, TG_TOK_GT, "the type parameters");
    }
    *generics = list.data;
    *n_generics = list.len;
    p->generics = list.data;
    p->n_generics = list.len;
}

/* ---- parameters -------------------------------------------------------------------------- */

static void parse_param_name(tg_parser *p, tg_param *param) {
    if (at(p, TG_TOK_STAR) || at(p, TG_TOK_AND)) {
        tg_diag *diag =
            tg_parse_fail(p, TG_E0104, "expected the name of the parameter, found %s",
                          tg_parse_describe(p, p->pos));
        tg_diag_add_help(p->diags, diag,
                         "a tensor is `in f32 X[N]`, `out` or `inout`; an address `ptr f32 p`");
    } else if (!p->panic && !at(p, TG_TOK_ID) && !tg_tok_is_keyword(current(p)->kind) &&
               previous(p)->kind == TG_TOK_ID) {
        tg_diag *diag = tg_parse_fail(
            p, TG_E0104, "expected the name of the parameter after its type '%s', found %s",
            previous(p)->name, tg_parse_describe(p, p->pos));
        tg_diag_add_help(p->diags, diag,
                         "every parameter has a type, which stands first: `f32 %s`, "
                         "`const int %s`",
                         previous(p)->name, previous(p)->name);
    }
    param->name = tg_parse_name(p, "the name of the parameter", &param->name_span);
}

static void parse_tensor_param(tg_parser *p, tg_param *param) {
    param->kind = TG_PARAM_TENSOR;
    param->direction = at(p, TG_TOK_IN)    ? TG_DIR_IN
                       : at(p, TG_TOK_OUT) ? TG_DIR_OUT
                                           : TG_DIR_INOUT;
    advance(p);
    param->optional = accept(p, TG_TOK_QUESTION);
    param->type = tg_parse_type(p, TG_FORM_TYPE);
    parse_param_name(p, param);
    if (!p->panic && !at(p, TG_TOK_LBRACKET)) {
        tg_diag *diag =
            tg_parse_warn_at(p, TG_E0104, param->name_span,
                             "expected dimensions after tensor parameter '%s'", param->name);
        tg_diag_add_help(p->diags, diag, "a tensor is `in f32 %s[N]`, a scalar `f32 %s`",
                         param->name, param->name);
        return;
    }
    tg_parse_dims(p, &param->dims, &param->n_dims);
}

static void parse_word_param(tg_parser *p, tg_param *param) {
    param->kind = at(p, TG_TOK_AXIS) ? TG_PARAM_AXIS : TG_PARAM_FN;
    advance(p);
    param->name = tg_parse_name(p, "a name", &param->name_span);
}

static void parse_value_param(tg_parser *p, tg_param *param, bool of_kernel) {
    uint32_t first = p->pos;
    param->kind = TG_PARAM_SCALAR;
    param->is_const = accept(p, TG_TOK_CONST);
    param->type = tg_parse_type(p, of_kernel ? TG_FORM_TYPE : TG_FORM_PTYPE);
    parse_param_name(p, param);
    if (of_kernel && at(p, TG_TOK_LBRACKET)) {
        tg_diag *diag = tg_parse_warn_at(
            p, TG_E0104, token_span(p, first),
            "expected 'in', 'out' or 'inout' before tensor parameter '%s'", param->name);
        tg_span before = {p->file, p->tokens[first].begin, p->tokens[first].begin};
        tg_diag_add_edit(p->diags, diag, before, "in ");
        param->kind = TG_PARAM_TENSOR;
        tg_parse_dims(p, &param->dims, &param->n_dims);
        return;
    }
    tg_name_list axes = tg_parse_axes(p, first);
    param->axes = axes.items;
    param->axis_spans = axes.spans;
    param->n_axes = axes.n;
}

static tg_param parse_param(tg_parser *p, bool of_kernel) {
    tg_param param = {0};
    uint32_t first = p->pos;
    if (at(p, TG_TOK_IN) || ((at(p, TG_TOK_OUT) || at(p, TG_TOK_INOUT)) && of_kernel)) {
        parse_tensor_param(p, &param);
    } else if (!of_kernel && (at(p, TG_TOK_AXIS) || at(p, TG_TOK_FN))) {
        parse_word_param(p, &param);
    } else if (of_kernel && accept(p, TG_TOK_PTR)) {
        param.kind = TG_PARAM_PTR;
        param.type = tg_parse_type(p, TG_FORM_TYPE);
        param.name = tg_parse_name(p, "the name of the pointer", &param.name_span);
    } else if (!p->panic && (at(p, TG_TOK_OUT) || at(p, TG_TOK_INOUT) || at(p, TG_TOK_PTR))) {
        tg_diag *diag = tg_parse_fail(
            p, TG_E0104, "expected a value, an axis, 'fn' or an 'in' tensor, found %s",
            tg_parse_describe(p, p->pos));
        tg_diag_add_help(p->diags, diag,
                         "functions are pure: they return values, kernels store them");
    } else {
        parse_value_param(p, &param, of_kernel);
    }
    bool has_init =
        param.kind == TG_PARAM_SCALAR || (param.kind == TG_PARAM_TENSOR && of_kernel);
    if (has_init && accept(p, TG_TOK_SET))
        param.init = tg_parse_expr(p);
    param.span = span_from(p, first);
    return param;
}

tg_param_list tg_parse_params(tg_parser *p, bool of_kernel) {
    TG_VEC(tg_param) list = {0};
    uint32_t open = p->pos;
    if (tg_parse_expect(p, TG_TOK_LPAREN, "the name") && !accept(p, TG_TOK_RPAREN)) {
        do
            tg_vec_push(p->arena, &list, parse_param(p, of_kernel));
        while (tg_parse_more(p, TG_TOK_RPAREN));
        if (at(p, TG_TOK_COLON)) {
            tg_diag *diag = tg_parse_fail_expected(p, "',' or ')'", "the parameter");
            tg_diag_add_help(
                p->diags, diag,
                "the type stands first: `const int N`, `in f32 X[N]`, `f32 scale`");
        }
        tg_parse_close(p, open, TG_TOK_RPAREN, "the parameters");
    }
    return (tg_param_list){list.data, list.len};
}
