/* The launch level of a kernel: phases (`grid`), temps, views, launch-level let, if and for;
 * also blocks and the binders that grid, for and axis share (language.md section 3: kblock,
 * kstmt, binder, domain).
 *
 * What may not stand here is still parsed as a statement, muted, so that one misplaced
 * statement costs one E0109. */
#include "dsl/parser/parse_private.h"

void tg_parse_domain(tg_parser *p, tg_domain *domain) {
    uint32_t first = p->pos;
    if (at(p, TG_TOK_SET) || at(p, TG_TOK_COLON)) {
        tg_diag *diag = tg_parse_fail_expected(p, "'in' and an extent", "the name");
        tg_diag_add_help(
            p->diags, diag,
            "indices 0 … N-1 are written `i in N`, parts of them `i in N from a until b`");
    }
    tg_parse_expect(p, TG_TOK_IN, "the name");
    if (at(p, TG_TOK_ID) && peek_kind(p, 1) == TG_TOK_LPAREN &&
        current(p)->name == tg_intern_cstr(p->names, "range")) {
        tg_diag *diag =
            tg_parse_fail(p, TG_E0104, "expected an extent after 'in', found 'range'");
        (void)diag; /* the hint for `range` says the rest */
    }
    domain->extent = tg_parse_expr(p);
    if (at(p, TG_TOK_DOTS)) {
        tg_diag *diag = tg_parse_fail(
            p, TG_E0104,
            "expected 'from', 'until', 'step' or the end of the domain, found '..'");
        tg_diag_add_help(p->diags, diag,
                         "part of an extent is written `i in N from a until b`");
    }
    if (accept_word(p, p->words.from))
        domain->from = tg_parse_expr(p);
    if (accept_word(p, p->words.until))
        domain->until = tg_parse_expr(p);
    if (accept_word(p, p->words.step))
        domain->step = tg_parse_expr(p);
    if (at_word(p, p->words.from) || at_word(p, p->words.until)) {
        tg_diag *diag = tg_parse_fail(p, TG_E0104, "'%s' stands too late", current(p)->name);
        tg_diag_add_help(p->diags, diag, "the order is `i in N from a until b step s`");
    }
    domain->span = span_from(p, first);
}

void tg_parse_binder(tg_parser *p, tg_binder *binder) {
    binder->each = accept(p, TG_TOK_EACH);
    binder->name = tg_parse_name(p, "a name", &binder->name_span);
    tg_parse_domain(p, &binder->domain);
}

/* ---- statements that both levels have ---------------------------------------------------- */

tg_stmt *tg_parse_grid(tg_parser *p) {
    tg_stmt *s = tg_parse_new_stmt(p, TG_STMT_GRID);
    uint32_t first = p->pos, open = p->pos + 1;
    TG_VEC(tg_binder) binders = {0};
    advance(p);
    if (accept(p, TG_TOK_LPAREN)) {
        do {
            tg_binder b = {0};
            tg_parse_binder(p, &b);
            tg_vec_push(p->arena, &binders, b);
        } while (tg_parse_more(p, TG_TOK_RPAREN));
        tg_parse_close(p, open, TG_TOK_RPAREN, "the axes of the grid");
    } else if (at(p, TG_TOK_EACH) || (at(p, TG_TOK_ID) && peek_kind(p, 1) == TG_TOK_IN)) {
        tg_diag *diag = tg_parse_fail_expected(p, "'('", "'grid'");
        tg_diag_add_help(p->diags, diag, "the axes stand in parentheses: `grid (i in N) …`");
    }
    s->u.grid.binders = binders.data;
    s->u.grid.n_binders = binders.len;
    s->u.grid.body = tg_parse_stmt(p);
    return tg_parse_finish(p, s, first);
}

tg_stmt *tg_parse_view(tg_parser *p) {
    tg_stmt *s = tg_parse_new_stmt(p, TG_STMT_VIEW);
    uint32_t first = p->pos;
    advance(p);
    s->u.view.type = tg_parse_type(p, TG_FORM_TYPE);
    s->u.view.name = tg_parse_name(p, "the name of the view", &s->u.view.name_span);
    tg_parse_dims(p, &s->u.view.dims, &s->u.view.n_dims);
    tg_parse_expect(p, TG_TOK_SET, "the dimensions");
    s->u.view.base = tg_parse_expr(p);
    if (accept_word(p, p->words.strides)) {
        tg_parse_expect(p, TG_TOK_LPAREN, "'strides'");
        tg_parse_exprs(p, TG_TOK_RPAREN, &s->u.view.strides, &s->u.view.n_strides);
        tg_parse_expect(p, TG_TOK_RPAREN, "the strides");
    }
    tg_parse_expect(p, TG_TOK_SEMI, "the view");
    return tg_parse_finish(p, s, first);
}

tg_stmt *tg_parse_static_assert(tg_parser *p) {
    tg_stmt *s = tg_parse_new_stmt(p, TG_STMT_STATIC_ASSERT);
    uint32_t first = p->pos;
    advance(p);
    tg_parse_callargs(p, &s->u.static_assertion.args, &s->u.static_assertion.n_args);
    tg_parse_expect(p, TG_TOK_SEMI, "static_assert");
    return tg_parse_finish(p, s, first);
}

/* ---- blocks ------------------------------------------------------------------------------ */

static void finish_block(tg_parser *p, uint32_t open, uint32_t end) {
    if (p->pos == end && p->tokens[end].kind == TG_TOK_RBRACE && p->openers[end] == open) {
        advance(p);
        return;
    }
    tg_span at_open = token_span(p, open);
    bool outer = p->tokens[p->pos].kind == TG_TOK_RBRACE;
    const char *found =
        outer ? "the next one closes the block around it"
              : tg_arena_printf(p->arena, "found %s", tg_parse_describe(p, p->pos));
    tg_diag *diag =
        tg_parse_warn_at(p, TG_E0104, at_open, "expected '}' to close this block, %s", found);
    tg_diag_set_label(p->diags, diag, "opened here");
}

tg_stmt *tg_parse_block(tg_parser *p, bool launch) {
    tg_stmt *s = tg_parse_new_stmt(p, TG_STMT_BLOCK);
    uint32_t open = p->pos, end = p->closers[open];
    TG_VEC(tg_stmt *) items = {0};
    if (!accept(p, TG_TOK_LBRACE)) {
        if (!p->panic)
            tg_parse_fail_expected(p, "'{'",
                                   launch ? "this header at launch level" : "the header");
        return tg_parse_finish(p, s, open);
    }
    while (p->pos < end) {
        uint32_t first = p->start = p->pos;
        tg_stmt *item = launch ? tg_parse_launch_stmt(p) : tg_parse_stmt(p);
        if (p->panic)
            tg_parse_sync(p, first, end);
        tg_vec_push(p->arena, &items, item);
    }
    s->u.block.items = items.data;
    s->u.block.n_items = items.len;
    finish_block(p, open, end);
    return tg_parse_finish(p, s, open);
}

/* ---- launch level ------------------------------------------------------------------------ */

static tg_stmt *parse_temp(tg_parser *p) {
    tg_stmt *s = tg_parse_new_stmt(p, TG_STMT_TEMP);
    uint32_t first = p->pos, n = 0, cap = 0;
    advance(p);
    s->u.temp.type = tg_parse_type(p, TG_FORM_TYPE);
    do {
        struct tg_temp_decl d = {0};
        d.name = tg_parse_name(p, "the name of the tensor", &d.name_span);
        tg_parse_dims(p, &d.dims, &d.n_dims);
        if (accept(p, TG_TOK_SET))
            d.init = tg_parse_expr(p);
        if (n == cap)
            s->u.temp.items = tg_vec_grow(p->arena, s->u.temp.items, &cap, n, sizeof d);
        s->u.temp.items[n++] = d;
    } while (tg_parse_more(p, TG_TOK_SEMI));
    s->u.temp.n_items = n;
    tg_parse_expect(p, TG_TOK_SEMI, "the temp tensor");
    return tg_parse_finish(p, s, first);
}

static tg_stmt *parse_labelled(tg_parser *p) {
    uint32_t first = p->pos;
    tg_name label = current(p)->name;
    advance(p);
    advance(p);
    if (!at(p, TG_TOK_GRID)) {
        tg_parse_fail(p, TG_E0109, "expected 'grid' after label '%s', found %s", label,
                      tg_parse_describe(p, p->pos));
        return tg_parse_new_stmt(p, TG_STMT_POISON);
    }
    tg_stmt *s = tg_parse_grid(p);
    if (s->kind == TG_STMT_GRID)
        s->u.grid.label = label;
    return tg_parse_finish(p, s, first);
}

static tg_stmt *parse_launch_if(tg_parser *p) {
    tg_stmt *s = tg_parse_new_stmt(p, TG_STMT_IF);
    uint32_t first = p->pos;
    if (tg_parse_enter(p, TG_E0104))
        return tg_parse_finish(p, s, first);
    advance(p);
    s->u.branch.is_const = accept(p, TG_TOK_CONST);
    s->u.branch.test = tg_parse_condition(p, "if");
    s->u.branch.yes = tg_parse_block(p, true);
    if (accept(p, TG_TOK_ELSE))
        s->u.branch.no = at(p, TG_TOK_IF) ? parse_launch_if(p) : tg_parse_block(p, true);
    tg_parse_leave(p);
    return tg_parse_finish(p, s, first);
}

static tg_stmt *parse_launch_for(tg_parser *p) {
    tg_stmt *s = tg_parse_new_stmt(p, TG_STMT_FOR);
    uint32_t first = p->pos, open = p->pos + 1;
    bool in_place_of_grid = false;
    if (tg_parse_enter(p, TG_E0104))
        return tg_parse_finish(p, s, first);
    advance(p);
    if (tg_parse_expect(p, TG_TOK_LPAREN, "'for'")) {
        if (!at(p, TG_TOK_EACH)) {
            tg_diag *diag = tg_parse_warn_at(p, TG_E0109, token_span(p, p->pos),
                                             "at launch level a loop is `for (each …)`");
            tg_span before = {p->file, current(p)->begin, current(p)->begin};
            uint32_t behind = p->closers[open] + 1;
            if (behind < p->n_tokens && p->tokens[behind].kind != TG_TOK_LBRACE) {
                tg_diag_add_help(p->diags, diag,
                                 "statements run in instances: `grid (i in N) …`");
                in_place_of_grid = true;
            } else if (at(p, TG_TOK_ID)) {
                tg_diag_add_edit(p->diags, diag, before, "each ");
            }
            if (!at(p, TG_TOK_ID) || peek_kind(p, 1) != TG_TOK_IN)
                p->panic = true; /* a C loop: reported, go on behind its header */
        }
        tg_parse_binder(p, &s->u.range.binder);
        tg_parse_close(p, open, TG_TOK_RPAREN, "the loop header");
        p->mute += in_place_of_grid;
        s->u.range.body = in_place_of_grid ? tg_parse_stmt(p) : tg_parse_block(p, true);
        p->mute -= in_place_of_grid;
        if (in_place_of_grid)
            s->kind = TG_STMT_POISON;
    }
    tg_parse_leave(p);
    return tg_parse_finish(p, s, first);
}

/* A statement that belongs into a grid. */
static tg_stmt *reject_launch_stmt(tg_parser *p) {
    uint32_t first = p->pos;
    tg_diag *diag =
        tg_parse_warn_at(p, TG_E0109, token_span(p, first),
                         "expected grid, let, temp, view, if or for at launch level, found %s",
                         tg_parse_describe(p, first));
    p->mute++;
    tg_stmt *s = tg_parse_stmt(p);
    p->mute--;
    if (s->kind == TG_STMT_DECL || s->kind == TG_STMT_LET) {
        const tg_declarator *d = s->u.decl.items;
        bool named = d && d->n_names && d->names[0][0] != '_';
        tg_diag_add_help(p->diags, diag, "a value at launch level is bound by `let %s = …;`",
                         named ? d->names[0] : "n");
        tg_parse_keep_names(s);
        return s;
    }
    if (!p->panic) {
        tg_span whole = span_from(p, first);
        tg_diag_add_edit(p->diags, diag, (tg_span){p->file, whole.begin, whole.begin},
                         "grid { ");
        tg_diag_add_edit(p->diags, diag, (tg_span){p->file, whole.end, whole.end}, " }");
    } else {
        tg_diag_add_help(p->diags, diag, "statements stand inside `grid (i in N) { … }`");
    }
    s->kind = TG_STMT_POISON;
    return s;
}

tg_stmt *tg_parse_launch_stmt(tg_parser *p) {
    static const struct {
        tg_tok kind;
        tg_stmt *(*parse)(tg_parser *);
    } table[] = {
        {TG_TOK_GRID, tg_parse_grid},
        {TG_TOK_LET, tg_parse_let},
        {TG_TOK_VIEW, tg_parse_view},
        {TG_TOK_TEMP, parse_temp},
        {TG_TOK_IF, parse_launch_if},
        {TG_TOK_FOR, parse_launch_for},
        {TG_TOK_STATIC_ASSERT, tg_parse_static_assert},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (at(p, table[i].kind))
            return table[i].parse(p);
    if (at(p, TG_TOK_ID) && peek_kind(p, 1) == TG_TOK_COLON)
        return parse_labelled(p);
    return reject_launch_stmt(p);
}
