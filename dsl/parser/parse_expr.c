/* Expressions (language.md sections 3 and 3.1): precedence climbing over binary operators,
 * postfix chains, and the messages for what other languages allow here: assignment (E0107),
 * chained comparison (E0111), casts, slices.
 *
 * Each node knows the height of its tree (sized_expr), and trees higher than
 * TG_PARSE_MAX_HEIGHT are refused: all later stages walk expressions recursively. */
#include "dsl/parser/parse_private.h"

typedef struct sized_expr {
    tg_expr expr; /* first: a tg_expr * is a sized_expr * */
    uint32_t height;
} sized_expr;

static uint32_t height_of(const tg_expr *e) {
    return ((const sized_expr *)(const void *)e)->height;
}

tg_expr *tg_parse_new_expr(tg_parser *p, tg_expr_kind kind, tg_span span) {
    sized_expr *e = TG_NEW(p->arena, sized_expr);
    e->expr.kind = kind;
    e->expr.span = span;
    e->height = 1;
    return &e->expr;
}

static tg_expr *poison(tg_parser *p) {
    return tg_parse_new_expr(p, TG_EXPR_POISON, token_span(p, p->pos));
}

/* `e` contains `part`. */
static void contain(tg_parser *p, tg_expr *e, const tg_expr *part) {
    uint32_t height = part ? height_of(part) + 1 : 0;
    sized_expr *sized = (sized_expr *)(void *)e;
    if (height > sized->height)
        sized->height = height;
    if (height > TG_PARSE_MAX_HEIGHT && !p->panic) {
        tg_diag *diag = tg_parse_fail(p, TG_E0105, "expression of more than %d levels",
                                      (int)TG_PARSE_MAX_HEIGHT);
        tg_diag_add_help(p->diags, diag, "name a part with `let`");
    }
}

static void contain_args(tg_parser *p, tg_expr *e, const tg_arg *args, uint32_t n) {
    for (uint32_t i = 0; i < n; i++)
        contain(p, e, args[i].value);
}

const char *tg_parse_text(const tg_parser *p, uint32_t begin, uint32_t end) {
    return tg_arena_strndup(p->arena, p->source->text + begin, end - begin);
}

/* ---- primary ----------------------------------------------------------------------------- */

const char *tg_parse_string(tg_parser *p, uint32_t *len) {
    tg_strbuf text;
    tg_strbuf_init(&text, p->arena);
    while (at(p, TG_TOK_STRING)) {
        tg_strbuf_put(&text, current(p)->u.string.text, current(p)->u.string.len);
        advance(p);
    }
    *len = (uint32_t)text.len;
    return text.data ? text.data : "";
}

static bool starts_operand(const tg_parser *p) {
    return at(p, TG_TOK_ID) || at(p, TG_TOK_INT) || at(p, TG_TOK_FLOAT) || at(p, TG_TOK_TYPE);
}

static tg_expr *parse_unary(tg_parser *p);

/* `(f32)x`: a cast as in C. */
static tg_expr *parse_cast(tg_parser *p, tg_expr *type, uint32_t open) {
    uint32_t first = p->pos;
    tg_expr *call = tg_parse_new_expr(p, TG_EXPR_CALL, type->span);
    tg_arg *arg = TG_NEW(p->arena, tg_arg);
    arg->value = parse_unary(p);
    call->span = span_from(p, open);
    call->u.call.callee = type;
    call->u.call.args = arg;
    call->u.call.n_args = 1;
    contain(p, call, arg->value);
    const char *name = type->u.type.type->name ? type->u.type.type->name : "f32";
    tg_diag *diag = tg_parse_warn_at(p, TG_E0104, type->span,
                                     "a conversion is written like a call: %s(…)", name);
    tg_span cast = {p->file, p->tokens[open].begin, p->tokens[first].begin};
    tg_diag_add_edit(p->diags, diag, cast, tg_arena_printf(p->arena, "%s(", name));
    tg_diag_add_edit(p->diags, diag, (tg_span){p->file, call->span.end, call->span.end}, ")");
    return call;
}

static tg_expr *parse_parens(tg_parser *p) {
    uint32_t open = p->pos;
    tg_expr **items = NULL;
    uint32_t n = 0;
    advance(p);
    tg_parse_exprs(p, TG_TOK_RPAREN, &items, &n);
    tg_parse_expect(p, TG_TOK_RPAREN, "the expression in parentheses");
    tg_expr *e = items[0];
    if (n > 1) {
        e = tg_parse_new_expr(p, TG_EXPR_TUPLE, span_from(p, open));
        e->u.tuple.items = items;
        e->u.tuple.n_items = n;
        for (uint32_t i = 0; i < n; i++)
            contain(p, e, items[i]);
        return e;
    }
    e->parens = true;
    e->span = span_from(p, open);
    return e->kind == TG_EXPR_TYPE && starts_operand(p) ? parse_cast(p, e, open) : e;
}

static tg_expr *parse_name(tg_parser *p) {
    tg_expr *e = tg_parse_new_expr(p, TG_EXPR_NAME, token_span(p, p->pos));
    tg_name name = current(p)->name;
    if (tg_parse_is_type_param(p, name)) {
        e->kind = TG_EXPR_TYPE;
        e->u.type.type = tg_parse_type(p, TG_FORM_TYPE);
        return e;
    }
    e->u.name.name = name;
    advance(p);
    return e;
}

static tg_expr *parse_literal(tg_parser *p) {
    const tg_token *t = current(p);
    tg_expr *e = tg_parse_new_expr(p, TG_EXPR_INT, token_span(p, p->pos));
    if (t->kind == TG_TOK_INT || t->kind == TG_TOK_FLOAT) {
        const char *text = tg_parse_text(p, t->begin, t->end);
        e->kind = t->kind == TG_TOK_INT ? TG_EXPR_INT : TG_EXPR_FLOAT;
        if (e->kind == TG_EXPR_INT) {
            e->u.integer.value = t->u.integer;
            e->u.integer.text = text;
        } else {
            e->u.number.value = t->u.number;
            e->u.number.text = text;
        }
    } else if (t->kind == TG_TOK_TRUE || t->kind == TG_TOK_FALSE) {
        e->kind = TG_EXPR_BOOL;
        e->u.boolean.value = t->kind == TG_TOK_TRUE;
    } else {
        e->kind = t->kind == TG_TOK_INF ? TG_EXPR_INF : TG_EXPR_NAN;
    }
    advance(p);
    return e;
}

/* Why there is no expression at the current token, where the habit behind it is known. */
static void add_expression_help(tg_parser *p, tg_diag *diag) {
    tg_tok found = current(p)->kind, before = previous(p)->kind;
    const char *help = NULL;
    if (found == TG_TOK_COLON || found == TG_TOK_DOTS)
        help = "there are no slices: name the positions by an axis, `axis j in N;` and then "
               "`X[i, j]`";
    else if (found == TG_TOK_STAR && before == TG_TOK_STAR)
        help = "a power is `pow(x, y)`, a square `x * x`";
    else if (found == TG_TOK_STAR)
        help = "there are no pointers to follow: index a tensor, `Y[i] = …`";
    else if (found == TG_TOK_AND)
        help = "there are no addresses: `Y[i] = v;` stores, `atomic Y[i] += v;` adds";
    else if (found == TG_TOK_AXIS)
        help = "axes are given by name, not by number: `sum(x, j)`, `max(x, j)`";
    else if (found == TG_TOK_WHERE)
        help = "to choose per element write `c ? a : b`; `where` belongs behind a stored value";
    else if (found == TG_TOK_SET && (before == TG_TOK_LAND || before == TG_TOK_LOR))
        help = "there is no `&&=` or `||=`: write `x = x && y`";
    else if (found == TG_TOK_PLUS)
        help = "to increment write `i += 1`";
    if (help)
        tg_diag_add_help(p->diags, diag, "%s", help);
}

static tg_expr *parse_primary(tg_parser *p) {
    if (at(p, TG_TOK_ID))
        return parse_name(p);
    if (at(p, TG_TOK_INT) || at(p, TG_TOK_FLOAT) || at(p, TG_TOK_TRUE) || at(p, TG_TOK_FALSE) ||
        at(p, TG_TOK_INF) || at(p, TG_TOK_NAN))
        return parse_literal(p);
    if (at(p, TG_TOK_LPAREN))
        return parse_parens(p);
    uint32_t first = p->pos;
    tg_expr *e = poison(p);
    if (at(p, TG_TOK_TYPE) || at(p, TG_TOK_WIDE)) {
        e->kind = TG_EXPR_TYPE;
        e->u.type.type = tg_parse_type(p, TG_FORM_TYPE);
        e->span = span_from(p, first);
    } else if (at(p, TG_TOK_STRING)) {
        e->kind = TG_EXPR_STRING;
        e->u.string.text = tg_parse_string(p, &e->u.string.len);
        e->span = span_from(p, first);
    } else if (!p->panic &&
               tg_map_has(p->bad_names, current(p)->name ? current(p)->name : "")) {
        advance(p); /* a keyword that was declared as a name: already reported */
    } else if (!p->panic) {
        add_expression_help(p, tg_parse_fail(p, TG_E0105, "expected an expression, found %s",
                                             tg_parse_describe(p, p->pos)));
    }
    return e;
}

/* ---- postfix ----------------------------------------------------------------------------- */

void tg_parse_exprs(tg_parser *p, tg_tok closer, tg_expr ***items, uint32_t *n_items) {
    TG_VEC(tg_expr *) list = {0};
    do
        tg_vec_push(p->arena, &list, tg_parse_expr(p));
    while (tg_parse_more(p, closer));
    *items = list.data;
    *n_items = list.len;
}

static tg_expr *parse_ternary(tg_parser *p);
static tg_expr *reject_assignment(tg_parser *p, tg_expr *left);

static tg_arg parse_arg(tg_parser *p) {
    tg_arg arg = {.value = parse_ternary(p)};
    bool plain = arg.value->kind == TG_EXPR_NAME && !arg.value->parens;
    if (!plain) {
        arg.value = reject_assignment(p, arg.value);
    } else if (accept(p, TG_TOK_SET)) {
        arg.name = arg.value->u.name.name;
        arg.name_span = arg.value->span;
        arg.value = tg_parse_expr(p);
    } else {
        arg.value = reject_assignment(p, arg.value);
    }
    return arg;
}

void tg_parse_args(tg_parser *p, tg_tok closer, tg_arg **args, uint32_t *n_args) {
    TG_VEC(tg_arg) list = {0};
    do
        tg_vec_push(p->arena, &list, parse_arg(p));
    while (tg_parse_more(p, closer));
    *args = list.data;
    *n_args = list.len;
}

void tg_parse_callargs(tg_parser *p, tg_arg **args, uint32_t *n_args) {
    *args = NULL;
    *n_args = 0;
    if (!tg_parse_expect(p, TG_TOK_LPAREN, "the name") || accept(p, TG_TOK_RPAREN))
        return;
    tg_parse_args(p, TG_TOK_RPAREN, args, n_args);
    tg_parse_expect(p, TG_TOK_RPAREN, "the arguments");
}

static tg_expr *parse_call(tg_parser *p, tg_expr *callee, uint32_t first) {
    tg_expr *e = tg_parse_new_expr(p, TG_EXPR_CALL, callee->span);
    e->u.call.callee = callee;
    tg_parse_callargs(p, &e->u.call.args, &e->u.call.n_args);
    e->span = span_from(p, first);
    contain(p, e, callee);
    contain_args(p, e, e->u.call.args, e->u.call.n_args);
    return e;
}

/* `x[:, None]`, `x[a:b]`: one message instead of "expected ']'". */
static void check_slice(tg_parser *p) {
    if (at(p, TG_TOK_COLON))
        add_expression_help(
            p, tg_parse_fail(p, TG_E0104, "expected ']' after the index, found ':'"));
}

static tg_expr *parse_index(tg_parser *p, tg_expr *base, uint32_t first) {
    tg_expr *e = tg_parse_new_expr(p, TG_EXPR_INDEX, base->span);
    advance(p);
    e->u.index.base = base;
    tg_parse_args(p, TG_TOK_RBRACKET, &e->u.index.args, &e->u.index.n_args);
    check_slice(p);
    tg_parse_expect(p, TG_TOK_RBRACKET, "the index");
    if (accept(p, TG_TOK_ELSE))
        e->u.index.otherwise = parse_unary(p);
    e->span = span_from(p, first);
    contain(p, e, base);
    contain(p, e, e->u.index.otherwise);
    contain_args(p, e, e->u.index.args, e->u.index.n_args);
    return e;
}

static tg_expr *parse_member(tg_parser *p, tg_expr *base, uint32_t first) {
    advance(p);
    tg_expr *e = tg_parse_new_expr(p, TG_EXPR_MEMBER, base->span);
    if (at(p, TG_TOK_INT)) {
        e->kind = TG_EXPR_ELEMENT;
        e->u.element.base = base;
        uint64_t position = current(p)->u.integer;
        e->u.element.position = position < UINT32_MAX ? (uint32_t)position : UINT32_MAX;
        advance(p);
    } else {
        e->u.member.base = base;
        e->u.member.name =
            tg_parse_name(p, "an attribute name or a tuple position", &e->u.member.name_span);
    }
    e->span = span_from(p, first);
    contain(p, e, base);
    return e;
}

tg_expr *tg_parse_postfix(tg_parser *p) {
    uint32_t first = p->pos;
    tg_expr *e = parse_primary(p);
    for (;;) {
        if (at(p, TG_TOK_LPAREN))
            e = parse_call(p, e, first);
        else if (at(p, TG_TOK_LBRACKET))
            e = parse_index(p, e, first);
        else if (at(p, TG_TOK_DOT))
            e = parse_member(p, e, first);
        else
            break;
    }
    if (at(p, TG_TOK_ARROW)) {
        tg_diag *diag = tg_parse_fail(p, TG_E0104, "expected an operator or ';', found '->'");
        tg_diag_add_help(p->diags, diag,
                         "there are no pointers: attributes are written `i.first`");
    }
    return e;
}

/* ---- operators --------------------------------------------------------------------------- */

static tg_expr *parse_unary(tg_parser *p) {
    tg_operator op = at(p, TG_TOK_MINUS)   ? TG_OPER_NEG
                     : at(p, TG_TOK_BANG)  ? TG_OPER_LNOT
                     : at(p, TG_TOK_TILDE) ? TG_OPER_BNOT
                                           : TG_OPER_NONE;
    if (tg_parse_enter(p, TG_E0105))
        return poison(p);
    tg_expr *e;
    if (op == TG_OPER_NONE) {
        e = tg_parse_postfix(p);
    } else {
        uint32_t first = p->pos;
        advance(p);
        e = tg_parse_new_expr(p, TG_EXPR_UNARY, token_span(p, first));
        e->u.unary.op = op;
        e->u.unary.operand = parse_unary(p);
        e->span = span_from(p, first);
        contain(p, e, e->u.unary.operand);
    }
    tg_parse_leave(p);
    return e;
}

typedef struct level {
    int level;
    bool chains;
    tg_operator op;
} level;

/* Section 3.1, counted from the loosest; 0 means no binary operator. */
static level binary_level(tg_tok kind) {
    static const struct {
        tg_tok kind;
        level level;
    } table[] = {
        {TG_TOK_LOR, {1, true, TG_OPER_LOR}},    {TG_TOK_LAND, {2, true, TG_OPER_LAND}},
        {TG_TOK_EQ, {3, false, TG_OPER_EQ}},     {TG_TOK_NE, {3, false, TG_OPER_NE}},
        {TG_TOK_LT, {4, false, TG_OPER_LT}},     {TG_TOK_LE, {4, false, TG_OPER_LE}},
        {TG_TOK_GT, {4, false, TG_OPER_GT}},     {TG_TOK_GE, {4, false, TG_OPER_GE}},
        {TG_TOK_OR, {5, true, TG_OPER_OR}},      {TG_TOK_XOR, {6, true, TG_OPER_XOR}},
        {TG_TOK_AND, {7, true, TG_OPER_AND}},    {TG_TOK_SHL, {8, true, TG_OPER_SHL}},
        {TG_TOK_SHR, {8, true, TG_OPER_SHR}},    {TG_TOK_PLUS, {9, true, TG_OPER_ADD}},
        {TG_TOK_MINUS, {9, true, TG_OPER_SUB}},  {TG_TOK_STAR, {10, true, TG_OPER_MUL}},
        {TG_TOK_SLASH, {10, true, TG_OPER_DIV}}, {TG_TOK_PERCENT, {10, true, TG_OPER_REM}},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (table[i].kind == kind)
            return table[i].level;
    return (level){0, false, TG_OPER_NONE};
}

static void report_chain(tg_parser *p, const tg_expr *left, const tg_expr *middle,
                         uint32_t op) {
    tg_diag *diag =
        tg_parse_warn_at(p, TG_E0111, token_span(p, op), "comparisons do not chain; use &&");
    tg_diag_add_label(p->diags, diag, left->span,
                      "this comparison is true or false, not a number");
    if (!middle)
        return;
    const char *text = tg_parse_text(p, middle->span.begin, middle->span.end);
    tg_span after = {p->file, middle->span.end, middle->span.end};
    tg_diag_add_edit(p->diags, diag, after, tg_arena_printf(p->arena, " && %s", text));
}

/* i++ and ++i have no meaning in an expression; a statement repairs them itself
 * (parse_stmt.c). */
static bool at_increment(const tg_parser *p) {
    bool plus = at(p, TG_TOK_PLUS) && peek_kind(p, 1) == TG_TOK_PLUS;
    return plus && current(p)->end == p->tokens[p->pos + 1].begin;
}

static tg_expr *parse_binary(tg_parser *p, int least) {
    uint32_t first = p->pos;
    tg_expr *left = parse_unary(p);
    int compared = 0;
    for (;;) {
        level found = binary_level(peek_kind(p, 0));
        if (found.level < least || found.level == 0 || at_increment(p))
            return left;
        uint32_t op = p->pos;
        advance(p);
        tg_expr *right = parse_binary(p, found.level + 1);
        if (!found.chains && compared == found.level)
            report_chain(p, left, left->kind == TG_EXPR_BINARY ? left->u.binary.right : NULL,
                         op);
        tg_expr *e = tg_parse_new_expr(p, TG_EXPR_BINARY, span_from(p, first));
        e->u.binary.op = found.op;
        e->u.binary.op_span = token_span(p, op);
        e->u.binary.left = left;
        e->u.binary.right = right;
        contain(p, e, left);
        contain(p, e, right);
        if (!found.chains && compared == found.level)
            e->kind = TG_EXPR_POISON; /* `a < b < c`: reported, of no type */
        compared = found.chains ? 0 : found.level;
        left = e;
    }
}

static tg_expr *parse_branches(tg_parser *p, tg_expr *test, uint32_t first) {
    if (tg_parse_enter(p, TG_E0105))
        return test;
    tg_expr *e = tg_parse_new_expr(p, TG_EXPR_COND, test->span);
    e->u.cond.test = test;
    e->u.cond.yes = tg_parse_expr(p);
    tg_parse_expect(p, TG_TOK_COLON, "the first value of '?:'");
    e->u.cond.no = tg_parse_expr(p);
    e->span = span_from(p, first);
    contain(p, e, test);
    contain(p, e, e->u.cond.yes);
    contain(p, e, e->u.cond.no);
    tg_parse_leave(p);
    return e;
}

static tg_expr *parse_ternary(tg_parser *p) {
    uint32_t first = p->pos;
    tg_expr *e = parse_binary(p, 1);
    return accept(p, TG_TOK_QUESTION) ? parse_branches(p, e, first) : e;
}

static bool at_assignment(const tg_parser *p) {
    tg_tok k = peek_kind(p, 0);
    return k == TG_TOK_SET || k == TG_TOK_SHL_SET || k == TG_TOK_SHR_SET ||
           (k >= TG_TOK_ADD_SET && k <= TG_TOK_XOR_SET);
}

/* `a = b` where a value is wanted. */
static tg_expr *reject_assignment(tg_parser *p, tg_expr *left) {
    if (!at_assignment(p))
        return left;
    bool plain = at(p, TG_TOK_SET);
    tg_span span = token_span(p, p->pos);
    tg_diag *diag = tg_parse_warn_at(p, TG_E0107, span,
                                     plain ? "`=` in an expression; did you mean `==`?"
                                           : "assignment in an expression");
    if (plain)
        tg_diag_add_edit(p->diags, diag, span, "==");
    else
        tg_diag_add_help(p->diags, diag, "assignments are statements of their own");
    while (at_assignment(p)) { /* a = b = c: one message */
        advance(p);
        parse_ternary(p);
    }
    return tg_parse_new_expr(p, TG_EXPR_POISON, left->span);
}

tg_expr *tg_parse_expr(tg_parser *p) {
    return reject_assignment(p, parse_ternary(p));
}
