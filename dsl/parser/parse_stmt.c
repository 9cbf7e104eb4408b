/* Statements inside a grid or function (language.md section 3: block, stmt, let, decl,
 * simple).
 *
 * A statement that starts with two names is a declaration (`T x = 0`, and `half x = 0` for the
 * elaborator to refuse), except `x min= e` and `x max= e`. Everything else is decided by the
 * first token. parse_launch.c has what may also stand at the launch level. */
#include "dsl/parser/parse_private.h"

tg_stmt *tg_parse_new_stmt(tg_parser *p, tg_stmt_kind kind) {
    tg_stmt *s = TG_NEW(p->arena, tg_stmt);
    s->kind = kind;
    s->span = token_span(p, p->pos);
    return s;
}

void tg_parse_keep_names(tg_stmt *stmt) {
    stmt->kind = stmt->u.decl.n_items ? TG_STMT_LET : TG_STMT_POISON;
    for (uint32_t i = 0; i < stmt->u.decl.n_items; i++) {
        stmt->u.decl.items[i].init = NULL;
        stmt->u.decl.items[i].list = NULL;
    }
}

tg_stmt *tg_parse_finish(tg_parser *p, tg_stmt *stmt, uint32_t first) {
    stmt->span = span_from(p, first);
    if (p->panic && (stmt->kind == TG_STMT_LET || stmt->kind == TG_STMT_DECL))
        tg_parse_keep_names(stmt);
    else if (p->panic)
        stmt->kind = TG_STMT_POISON;
    return stmt;
}

/* ---- declarations ------------------------------------------------------------------------ */

static tg_init_list *parse_init_list(tg_parser *p) {
    tg_init_list *list = TG_NEW(p->arena, tg_init_list);
    uint32_t open = p->pos;
    list->span = token_span(p, open);
    if (tg_parse_enter(p, TG_E0104))
        return list;
    TG_VEC(tg_init_list *) lists = {0};
    TG_VEC(tg_expr *) values = {0};
    advance(p);
    do {
        bool nested = at(p, TG_TOK_LBRACE);
        tg_vec_push(p->arena, &lists, nested ? parse_init_list(p) : NULL);
        tg_vec_push(p->arena, &values, nested ? NULL : tg_parse_expr(p));
    } while (tg_parse_more(p, TG_TOK_RBRACE));
    tg_parse_expect(p, TG_TOK_RBRACE, "the initialiser list");
    list->n_items = lists.len;
    list->items = tg_arena_alloc(p->arena, sizeof *list->items * lists.len, _Alignof(void *));
    for (uint32_t i = 0; i < lists.len; i++) {
        list->items[i].value = values.data[i];
        list->items[i].list = lists.data[i];
    }
    list->span = span_from(p, open);
    tg_parse_leave(p);
    return list;
}

static void set_name(tg_parser *p, tg_declarator *d, tg_name name, tg_span span) {
    d->names = TG_COPY_ARRAY(p->arena, tg_name, &name, 1);
    d->name_spans = TG_COPY_ARRAY(p->arena, tg_span, &span, 1);
    d->n_names = 1;
}

/* `name [axes] = init`; without an initialiser the elaborator reports E0401. */
static tg_declarator parse_declarator(tg_parser *p, uint32_t before) {
    tg_declarator d = {0};
    uint32_t first = p->pos;
    tg_span span;
    tg_name name = tg_parse_name(p, "the name of the tile", &span);
    set_name(p, &d, name, span);
    tg_name_list axes = tg_parse_axes(p, before);
    d.axes = axes.items;
    d.axis_spans = axes.spans;
    d.n_axes = axes.n;
    if (accept(p, TG_TOK_SET)) {
        if (at(p, TG_TOK_LBRACE))
            d.list = parse_init_list(p);
        else
            d.init = tg_parse_expr(p);
    } else if (!at(p, TG_TOK_SEMI) && !at(p, TG_TOK_COMMA) && !p->panic) {
        tg_parse_fail_expected(p, "'=' and an initial value", "the name");
    }
    d.span = span_from(p, first);
    return d;
}

static tg_stmt *parse_decl(tg_parser *p) {
    tg_stmt *s = tg_parse_new_stmt(p, TG_STMT_DECL);
    uint32_t first = p->pos;
    TG_VEC(tg_declarator) items = {0};
    s->u.decl.is_const = accept(p, TG_TOK_CONST);
    if (at(p, TG_TOK_ID) && peek_kind(p, 1) == TG_TOK_TYPE) { /* unsigned int x */
        tg_parse_fail(p, TG_E0202, "unknown type '%s'", current(p)->name);
    }
    s->u.decl.type = tg_parse_type(p, TG_FORM_TYPE);
    do
        tg_vec_push(p->arena, &items, parse_declarator(p, first));
    while (tg_parse_more(p, TG_TOK_SEMI));
    s->u.decl.items = items.data;
    s->u.decl.n_items = items.len;
    return tg_parse_finish(p, s, first);
}

static tg_declarator parse_let_binding(tg_parser *p) {
    tg_declarator d = {0};
    uint32_t first = p->pos;
    if (accept(p, TG_TOK_LPAREN)) {
        tg_name_list names = tg_parse_names(p, TG_TOK_RPAREN, "a name");
        tg_parse_expect(p, TG_TOK_RPAREN, "the names");
        d.names = names.items;
        d.name_spans = names.spans;
        d.n_names = names.n;
    } else {
        tg_span span;
        tg_name name = tg_parse_name(p, "a name after 'let'", &span);
        set_name(p, &d, name, span);
        if (at(p, TG_TOK_LBRACKET)) {
            tg_diag *diag = tg_parse_fail_expected(p, "'='", "the name");
            tg_diag_add_help(
                p->diags, diag,
                "`let` takes the axes of its value; to declare axes write `f32 %s[i, j] = …;`",
                name);
        } else if (at(p, TG_TOK_COLON)) {
            tg_diag *diag = tg_parse_fail_expected(p, "'='", "the name");
            tg_diag_add_help(p->diags, diag,
                             "the type stands first and makes it mutable: `f32 %s = …;`", name);
        }
    }
    tg_parse_expect(p, TG_TOK_SET, "the name");
    d.init = tg_parse_expr(p);
    d.span = span_from(p, first);
    return d;
}

tg_stmt *tg_parse_let(tg_parser *p) {
    tg_stmt *s = tg_parse_new_stmt(p, TG_STMT_LET);
    uint32_t first = p->pos;
    TG_VEC(tg_declarator) items = {0};
    advance(p);
    do
        tg_vec_push(p->arena, &items, parse_let_binding(p));
    while (tg_parse_more(p, TG_TOK_SEMI));
    s->u.decl.items = items.data;
    s->u.decl.n_items = items.len;
    tg_parse_expect(p, TG_TOK_SEMI, "the let statement");
    return tg_parse_finish(p, s, first);
}

static tg_stmt *parse_axis(tg_parser *p) {
    tg_stmt *s = tg_parse_new_stmt(p, TG_STMT_AXIS);
    uint32_t first = p->pos;
    TG_VEC(tg_binder) items = {0};
    advance(p);
    do {
        tg_binder b = {0};
        b.name = tg_parse_name(p, "the name of the axis", &b.name_span);
        tg_parse_domain(p, &b.domain);
        tg_vec_push(p->arena, &items, b);
    } while (tg_parse_more(p, TG_TOK_SEMI));
    s->u.axis.items = items.data;
    s->u.axis.n_items = items.len;
    tg_parse_expect(p, TG_TOK_SEMI, "the axis");
    return tg_parse_finish(p, s, first);
}

/* ---- assignments and calls --------------------------------------------------------------- */

static tg_operator assign_operator(tg_tok kind) {
    static const struct {
        tg_tok kind;
        tg_operator op;
    } table[] = {
        {TG_TOK_ADD_SET, TG_OPER_ADD}, {TG_TOK_SUB_SET, TG_OPER_SUB},
        {TG_TOK_MUL_SET, TG_OPER_MUL}, {TG_TOK_DIV_SET, TG_OPER_DIV},
        {TG_TOK_REM_SET, TG_OPER_REM}, {TG_TOK_AND_SET, TG_OPER_AND},
        {TG_TOK_OR_SET, TG_OPER_OR},   {TG_TOK_XOR_SET, TG_OPER_XOR},
        {TG_TOK_SHL_SET, TG_OPER_SHL}, {TG_TOK_SHR_SET, TG_OPER_SHR},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (table[i].kind == kind)
            return table[i].op;
    return TG_OPER_NONE;
}

/* `min =` or `max =` behind an assignment target. */
static bool at_minmax(const tg_parser *p, uint32_t ahead) {
    if (peek_kind(p, ahead) != TG_TOK_ID || peek_kind(p, ahead + 1) != TG_TOK_SET)
        return false;
    tg_name word = p->tokens[p->pos + ahead].name;
    return word == p->words.min || word == p->words.max;
}

/* Consumes an assignment operator; false if there is none. */
static bool accept_assign(tg_parser *p, tg_operator *op, tg_span *span) {
    uint32_t first = p->pos;
    *op = assign_operator(peek_kind(p, 0));
    if (at_minmax(p, 0)) {
        *op = current(p)->name == p->words.min ? TG_OPER_MIN : TG_OPER_MAX;
        advance(p);
    } else if (*op == TG_OPER_NONE && !at(p, TG_TOK_SET)) {
        return false;
    }
    advance(p);
    *span = span_from(p, first);
    return true;
}

/* `i++`: true if it was there (reported, consumed). */
static bool repair_increment(tg_parser *p, tg_stmt *s, const tg_expr *target) {
    tg_tok sign = peek_kind(p, 0);
    if ((sign != TG_TOK_PLUS && sign != TG_TOK_MINUS) || peek_kind(p, 1) != sign)
        return false;
    const char *op = sign == TG_TOK_PLUS ? "+" : "-";
    uint32_t first = p->pos;
    advance(p);
    advance(p);
    tg_span span = span_from(p, first);
    const char *name = tg_parse_text(p, target->span.begin, target->span.end);
    tg_diag *diag = tg_parse_warn_at(p, TG_E0104, span, "there is no '%s%s'; write `%s %s= 1`",
                                     op, op, name, op);
    tg_diag_add_edit(p->diags, diag, span, tg_arena_printf(p->arena, " %s= 1", op));
    s->kind = TG_STMT_POISON;
    return true;
}

/* `++i` at the start of a statement. */
static tg_stmt *repair_prefix_increment(tg_parser *p) {
    tg_stmt *s = tg_parse_new_stmt(p, TG_STMT_POISON);
    uint32_t first = p->pos;
    const char *op = at(p, TG_TOK_PLUS) ? "+" : "-";
    advance(p);
    advance(p);
    const tg_expr *target = tg_parse_postfix(p);
    const char *name = tg_parse_text(p, target->span.begin, target->span.end);
    const char *instead = tg_arena_printf(p->arena, "%s %s= 1", name, op);
    tg_diag *diag = tg_parse_warn_at(p, TG_E0104, span_from(p, first),
                                     "there is no '%s%s'; write `%s`", op, op, instead);
    tg_diag_add_edit(p->diags, diag, span_from(p, first), instead);
    return tg_parse_finish(p, s, first);
}

static bool is_target(const tg_expr *e) {
    if (e->kind == TG_EXPR_TUPLE) {
        for (uint32_t i = 0; i < e->u.tuple.n_items; i++)
            if (e->u.tuple.items[i]->kind != TG_EXPR_NAME)
                return false;
        return true;
    }
    return e->kind == TG_EXPR_NAME || e->kind == TG_EXPR_POISON ||
           (e->kind == TG_EXPR_INDEX && !e->u.index.otherwise);
}

static void check_target(tg_parser *p, const tg_expr *target) {
    if (is_target(target))
        return;
    tg_diag *diag = tg_parse_warn_at(
        p, TG_E0104, target->span,
        "expected a variable, an element `x[…]` or names in parentheses before the assignment");
    if (target->kind == TG_EXPR_TUPLE)
        tg_diag_add_help(p->diags, diag,
                         "an element is assigned on its own: `let (a, b) = …; x[…] = a;`");
}

/* `x = y = e`: the repair writes two statements. */
static void reject_second_assignment(tg_parser *p, const tg_expr *target,
                                     const tg_expr *value) {
    tg_span span = token_span(p, p->pos);
    uint32_t end = p->pos;
    while (p->tokens[end].kind != TG_TOK_SEMI && p->tokens[end].kind != TG_TOK_EOF &&
           p->tokens[end].kind != TG_TOK_RBRACE)
        end++;
    tg_diag *diag =
        tg_parse_warn_at(p, TG_E0107, span, "an assignment is a statement and has no value");
    const char *outer = tg_parse_text(p, target->span.begin, target->span.end);
    const char *inner = tg_parse_text(p, value->span.begin, value->span.end);
    const char *rest = tg_parse_text(p, value->span.end, p->tokens[end - 1].end);
    tg_span whole = {p->file, target->span.begin, p->tokens[end - 1].end};
    tg_diag_add_edit(p->diags, diag, whole,
                     tg_arena_printf(p->arena, "%s%s; %s = %s", inner, rest, outer, inner));
}

static tg_expr *parse_assigned(tg_parser *p, const tg_stmt *s) {
    uint32_t first = p->pos, errors = p->mute;
    bool plain = at(p, TG_TOK_ID) && s->u.assign.op == TG_OPER_NONE;
    if (plain &&
        peek_kind(p, 1) == TG_TOK_SET) { /* x = y = …; other forms get the general E0107 */
        tg_expr *value = tg_parse_postfix(p);
        reject_second_assignment(p, s->u.assign.target, value);
        p->mute++;
        p->pos = first;
        value = tg_parse_expr(p);
        p->mute = errors;
        return value;
    }
    return tg_parse_expr(p);
}

static void parse_assignment(tg_parser *p, tg_stmt *s) {
    check_target(p, s->u.assign.target);
    s->u.assign.value = parse_assigned(p, s);
    if (!is_target(s->u.assign.target))
        s->kind = TG_STMT_POISON;
    if (s->u.assign.target->kind != TG_EXPR_TUPLE && accept(p, TG_TOK_WHERE))
        s->u.assign.guard = tg_parse_expr(p);
}

/* `(f32, i32) t = …`: true if it was there (reported, consumed). The name stays known. */
static bool repair_tuple_variable(tg_parser *p, tg_stmt *s, const tg_expr *e) {
    bool types = e->kind == TG_EXPR_TUPLE && e->u.tuple.n_items &&
                 e->u.tuple.items[0]->kind == TG_EXPR_TYPE;
    if (!types || !at(p, TG_TOK_ID))
        return false;
    tg_diag *diag = tg_parse_warn_at(p, TG_E0104, e->span,
                                     "a tuple cannot be declared; bind its parts by `let`");
    tg_diag_add_help(p->diags, diag,
                     "`let (a, b) = …;`, or one variable for each part, which `(a, b) = …;` "
                     "assigns");
    tg_declarator d = {0};
    tg_span span;
    tg_name name = tg_parse_name(p, "a name", &span);
    set_name(p, &d, name, span);
    if (accept(p, TG_TOK_SET))
        tg_parse_expr(p);
    s->kind = TG_STMT_LET;
    s->u.decl.items = TG_COPY_ARRAY(p->arena, tg_declarator, &d, 1);
    s->u.decl.n_items = 1;
    return true;
}

static void fail_simple(tg_parser *p, const tg_expr *e) {
    if (p->panic)
        return;
    tg_diag *diag = tg_parse_fail(
        p, TG_E0104, "expected '=' or another assignment after '%.40s', found %s",
        tg_parse_text(p, e->span.begin, e->span.end), tg_parse_describe(p, p->pos));
    tg_tok found = current(p)->kind, next = p->tokens[p->pos + (found != TG_TOK_EOF)].kind;
    if (found == TG_TOK_EQ)
        tg_diag_add_edit(p->diags, diag, token_span(p, p->pos), "=");
    else if ((found == TG_TOK_LAND || found == TG_TOK_LOR) && next == TG_TOK_SET)
        tg_diag_add_help(p->diags, diag, "there is no `&&=` or `||=`: write `x = x && y`");
    else
        tg_diag_add_help(p->diags, diag,
                         "a statement is an assignment or a call; a "
                         "function ends with `return …;`");
}

/* Without the `;`: also the step of a C loop. */
static tg_stmt *parse_simple(tg_parser *p) {
    tg_tok sign = peek_kind(p, 0);
    if ((sign == TG_TOK_PLUS || sign == TG_TOK_MINUS) && peek_kind(p, 1) == sign)
        return repair_prefix_increment(p);
    tg_stmt *s = tg_parse_new_stmt(p, TG_STMT_ASSIGN);
    uint32_t first = p->pos;
    tg_expr *e = tg_parse_postfix(p);
    s->u.assign.target = e;
    if (accept_assign(p, &s->u.assign.op, &s->u.assign.op_span)) {
        parse_assignment(p, s);
    } else if (e->kind == TG_EXPR_CALL && !e->parens &&
               (at(p, TG_TOK_SEMI) || at(p, TG_TOK_RPAREN))) {
        s->kind = TG_STMT_CALL;
        s->u.call.call = e;
    } else if (e->kind == TG_EXPR_CALL && !e->parens && !at(p, TG_TOK_PLUS) &&
               !at(p, TG_TOK_EQ)) {
        s->kind = TG_STMT_CALL; /* the missing `;` is reported by the caller */
        s->u.call.call = e;
    } else if (!repair_increment(p, s, e) && !repair_tuple_variable(p, s, e)) {
        fail_simple(p, e);
    }
    return tg_parse_finish(p, s, first);
}

static void parse_atomic_order(tg_parser *p, tg_name *order, tg_name *scope) {
    if (!accept(p, TG_TOK_LPAREN))
        return;
    tg_name_list names = tg_parse_names(p, TG_TOK_RPAREN, "a memory order or scope");
    tg_parse_expect(p, TG_TOK_RPAREN, "the memory order");
    *order = names.items[0];
    *scope = names.n > 1 ? names.items[1] : NULL;
    if (names.n > 2)
        tg_parse_warn_at(p, TG_E0104, names.spans[2],
                         "expected ')' after the memory order and scope");
}

/* `atomic …` and `unchecked …` */
static tg_stmt *parse_marked(tg_parser *p) {
    uint32_t first = p->pos;
    bool atomic = at(p, TG_TOK_ATOMIC);
    tg_name order = NULL, scope = NULL;
    advance(p);
    if (atomic)
        parse_atomic_order(p, &order, &scope);
    tg_stmt *s = parse_simple(p);
    if (s->kind == TG_STMT_ASSIGN) {
        s->u.assign.atomic = atomic;
        s->u.assign.unchecked = !atomic;
        s->u.assign.order = order;
        s->u.assign.scope = scope;
    } else if (s->kind == TG_STMT_CALL) {
        tg_parse_warn_at(p, TG_E0104, s->span, "expected an assignment after '%s'",
                         atomic ? "atomic" : "unchecked");
    }
    tg_parse_expect(p, TG_TOK_SEMI, "the statement");
    return tg_parse_finish(p, s, first);
}

/* ---- control flow ------------------------------------------------------------------------ */

tg_expr *tg_parse_condition(tg_parser *p, const char *keyword) {
    uint32_t open = p->pos;
    const char *after = tg_arena_printf(p->arena, "'%s'", keyword);
    if (!p->panic && !at(p, TG_TOK_LPAREN)) {
        tg_diag *diag = tg_parse_fail_expected(p, "'('", after);
        tg_diag_add_help(p->diags, diag, "the condition stands in parentheses: `%s (…)`",
                         keyword);
    }
    if (!accept(p, TG_TOK_LPAREN))
        return tg_parse_new_expr(p, TG_EXPR_POISON, token_span(p, p->pos));
    tg_expr *e = tg_parse_expr(p);
    tg_parse_close(p, open, TG_TOK_RPAREN, "the condition");
    return e;
}

static tg_stmt *parse_if(tg_parser *p) {
    tg_stmt *s = tg_parse_new_stmt(p, TG_STMT_IF);
    uint32_t first = p->pos;
    advance(p);
    s->u.branch.is_const = accept(p, TG_TOK_CONST);
    s->u.branch.test = tg_parse_condition(p, "if");
    s->u.branch.yes = tg_parse_stmt(p);
    if (accept(p, TG_TOK_ELSE))
        s->u.branch.no = tg_parse_stmt(p);
    return tg_parse_finish(p, s, first);
}

static tg_stmt *parse_while(tg_parser *p) {
    tg_stmt *s = tg_parse_new_stmt(p, TG_STMT_WHILE);
    uint32_t first = p->pos;
    advance(p);
    s->u.loop.test = tg_parse_condition(p, "while");
    s->u.loop.body = tg_parse_stmt(p);
    return tg_parse_finish(p, s, first);
}

static bool is_declaration(const tg_parser *p) {
    tg_tok k = peek_kind(p, 0), next = peek_kind(p, 1);
    if (k == TG_TOK_TYPE)
        return next != TG_TOK_LPAREN;
    if (k == TG_TOK_WIDE || k == TG_TOK_CONST)
        return true;
    if (k != TG_TOK_ID || (next != TG_TOK_ID && next != TG_TOK_TYPE))
        return false;
    return tg_parse_is_type_param(p, current(p)->name) || !at_minmax(p, 1);
}

/* The header of a C loop behind its `(`. */
static void parse_c_header(tg_parser *p, tg_stmt *s) {
    s->kind = TG_STMT_FOR_C;
    if (at(p, TG_TOK_ID) && peek_kind(p, 1) == TG_TOK_SET) {
        tg_diag *diag =
            tg_parse_warn_at(p, TG_E0104, token_span(p, p->pos),
                             "expected a type before loop variable '%s'", current(p)->name);
        tg_span before = {p->file, current(p)->begin, current(p)->begin};
        tg_diag_add_edit(p->diags, diag, before, "int ");
        s->u.for_c.init = parse_simple(p);
    } else {
        s->u.for_c.init = parse_decl(p);
    }
    tg_parse_expect(p, TG_TOK_SEMI, "the loop variable");
    s->u.for_c.test = tg_parse_expr(p);
    tg_parse_expect(p, TG_TOK_SEMI, "the loop condition");
    s->u.for_c.step = parse_simple(p);
}

static tg_stmt *parse_for(tg_parser *p) {
    tg_stmt *s = tg_parse_new_stmt(p, TG_STMT_FOR);
    uint32_t first = p->pos;
    bool unroll = accept(p, TG_TOK_UNROLL);
    tg_parse_expect(p, TG_TOK_FOR, "'unroll'");
    uint32_t open = p->pos;
    if (tg_parse_expect(p, TG_TOK_LPAREN, "'for'")) {
        if (is_declaration(p) || (at(p, TG_TOK_ID) && peek_kind(p, 1) == TG_TOK_SET))
            parse_c_header(p, s);
        else
            tg_parse_binder(p, &s->u.range.binder);
        bool broken = p->panic;
        tg_parse_close(p, open, TG_TOK_RPAREN, "the loop header");
        tg_stmt *body = tg_parse_stmt(p);
        if (broken)
            s->kind = TG_STMT_POISON;
        if (s->kind == TG_STMT_FOR_C) {
            s->u.for_c.unroll = unroll;
            s->u.for_c.body = body;
        } else {
            s->u.range.unroll = unroll;
            s->u.range.body = body;
        }
    }
    return tg_parse_finish(p, s, first);
}

static tg_stmt *parse_jump(tg_parser *p) {
    uint32_t first = p->pos;
    tg_stmt *s = tg_parse_new_stmt(p, at(p, TG_TOK_BREAK)      ? TG_STMT_BREAK
                                      : at(p, TG_TOK_CONTINUE) ? TG_STMT_CONTINUE
                                                               : TG_STMT_RETURN);
    advance(p);
    if (s->kind == TG_STMT_RETURN && !at(p, TG_TOK_SEMI) && !at(p, TG_TOK_RBRACE))
        s->u.ret.value = tg_parse_expr(p);
    tg_parse_expect(p, TG_TOK_SEMI, tg_arena_printf(p->arena, "'%s'", p->tokens[first].name));
    return tg_parse_finish(p, s, first);
}

/* ---- dispatch ---------------------------------------------------------------------------- */

static tg_stmt *parse_plain(tg_parser *p) {
    uint32_t first = p->pos;
    bool declares = is_declaration(p);
    tg_stmt *s = declares ? parse_decl(p) : parse_simple(p);
    tg_parse_expect(p, TG_TOK_SEMI, declares ? "the declaration" : "the statement");
    return tg_parse_finish(p, s, first);
}

static tg_stmt *fail_stmt(tg_parser *p) {
    tg_stmt *s = tg_parse_new_stmt(p, TG_STMT_POISON);
    tg_diag *diag = tg_parse_fail(p, TG_E0104, "expected a statement, found %s",
                                  tg_parse_describe(p, p->pos));
    tg_tok k = p->tokens[p->pos].kind;
    if (k == TG_TOK_TEMP)
        tg_diag_add_help(
            p->diags, diag,
            "`temp` tensors are declared outside the grid; inside it declare a tile");
    if (k == TG_TOK_SEMI)
        tg_diag_add_edit(p->diags, diag, token_span(p, p->pos), "");
    if (k == TG_TOK_ELSE)
        tg_diag_add_help(p->diags, diag, "this `else` has no `if`");
    return s;
}

static tg_stmt *parse_by_keyword(tg_parser *p) {
    static const struct {
        tg_tok kind;
        tg_stmt *(*parse)(tg_parser *);
    } table[] = {
        {TG_TOK_LET, tg_parse_let},    {TG_TOK_VIEW, tg_parse_view},
        {TG_TOK_AXIS, parse_axis},     {TG_TOK_IF, parse_if},
        {TG_TOK_WHILE, parse_while},   {TG_TOK_FOR, parse_for},
        {TG_TOK_UNROLL, parse_for},    {TG_TOK_BREAK, parse_jump},
        {TG_TOK_CONTINUE, parse_jump}, {TG_TOK_RETURN, parse_jump},
        {TG_TOK_ATOMIC, parse_marked}, {TG_TOK_UNCHECKED, parse_marked},
        {TG_TOK_GRID, tg_parse_grid},  {TG_TOK_STATIC_ASSERT, tg_parse_static_assert},
        {TG_TOK_TEMP, fail_stmt},      {TG_TOK_ELSE, fail_stmt},
        {TG_TOK_SEMI, fail_stmt},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (at(p, table[i].kind))
            return table[i].parse(p);
    return NULL;
}

static bool at_bad_name(const tg_parser *p) {
    tg_tok next = peek_kind(p, 1);
    return !p->panic && tg_tok_is_keyword(peek_kind(p, 0)) &&
           tg_map_has(p->bad_names, current(p)->name) &&
           (next == TG_TOK_SET || assign_operator(next) != TG_OPER_NONE);
}

tg_stmt *tg_parse_stmt(tg_parser *p) {
    if (p->panic || tg_parse_enter(p, TG_E0104))
        return tg_parse_new_stmt(p, TG_STMT_POISON);
    tg_stmt *s = at(p, TG_TOK_LBRACE) ? tg_parse_block(p, false) : NULL;
    if (!s && !at_bad_name(p))
        s = parse_by_keyword(p);
    if (!s)
        s = parse_plain(p);
    tg_parse_leave(p);
    return s;
}
