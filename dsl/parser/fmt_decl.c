/* Statements without bodies, headers of statements with bodies, and headers of items, as texts
 * that can be wrapped. */
#include "dsl/parser/fmt_private.h"

#include <string.h>

/* ---- parts ------------------------------------------------------------------------------- */

/* Lists of names are short: they are not broken. */
static void put_names(fmt_text *t, const char *open, const tg_name *names, uint32_t n,
                      const char *close) {
    tg_fmt_puts(t, open);
    for (uint32_t i = 0; i < n; i++)
        tg_strbuf_printf(&t->text, "%s%s", i ? ", " : "", names[i]);
    tg_fmt_puts(t, close);
}

static void put_dims(fmt_text *t, const tg_dim *dims, uint32_t n) {
    tg_fmt_open(t, "[");
    for (uint32_t i = 0; i < n; i++) {
        if (i)
            tg_fmt_comma(t);
        tg_fmt_puts(t, dims[i].is_const ? "const " : "");
        tg_fmt_expr(t, dims[i].value);
    }
    tg_fmt_close(t, "]");
}

static void put_bound(fmt_text *t, const char *word, const tg_expr *e) {
    if (!e)
        return;
    tg_fmt_space(t, 2);
    tg_fmt_puts(t, word);
    tg_fmt_expr(t, e);
}

static void put_binder(fmt_text *t, const tg_binder *b) {
    tg_strbuf_printf(&t->text, "%s%s in ", b->each ? "each " : "", b->name);
    tg_fmt_expr(t, b->domain.extent);
    put_bound(t, "from ", b->domain.from);
    put_bound(t, "until ", b->domain.until);
    put_bound(t, "step ", b->domain.step);
}

static void put_binders(fmt_text *t, const tg_binder *binders, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        if (i)
            tg_fmt_comma(t);
        put_binder(t, &binders[i]);
    }
}

static void put_init(fmt_text *t, const tg_expr *init) {
    if (!init)
        return;
    tg_fmt_puts(t, " =");
    tg_fmt_space(t, TG_FMT_NEST + 15); /* rather than inside two brackets */
    t->level += 2; /* commas and operators inside bind tighter than the commas of the list */
    tg_fmt_expr(t, init);
    t->level -= 2;
}

static void put_init_list(fmt_text *t, const tg_init_list *list) {
    tg_fmt_open(t, "{");
    for (uint32_t i = 0; i < list->n_items; i++) {
        if (i)
            tg_fmt_comma(t);
        if (list->items[i].list)
            put_init_list(t, list->items[i].list);
        else
            tg_fmt_expr(t, list->items[i].value);
    }
    tg_fmt_close(t, "}");
}

/* ---- statements -------------------------------------------------------------------------- */

static void put_declarator(fmt_text *t, const tg_declarator *d, bool tuple) {
    if (tuple)
        put_names(t, "(", d->names, d->n_names, ")");
    else
        tg_fmt_puts(t, d->names[0]);
    if (d->n_axes)
        put_names(t, "[", d->axes, d->n_axes, "]");
    put_init(t, d->init);
    if (d->list) {
        tg_fmt_puts(t, " = ");
        put_init_list(t, d->list);
    }
}

/* `let (a) = t`: one name in parentheses is a tuple binding too. */
static bool is_tuple_binding(const fmt_text *t, const tg_declarator *d) {
    return d->n_names > 1 ||
           (t->source && d->span.file != 0 && t->source->text[d->span.begin] == '(');
}

static void put_decl(fmt_text *t, const tg_stmt *s) {
    bool let = s->kind == TG_STMT_LET;
    if (let) {
        tg_fmt_puts(t, "let ");
    } else {
        tg_fmt_puts(t, s->u.decl.is_const ? "const " : "");
        tg_fmt_type(t, s->u.decl.type);
        tg_fmt_puts(t, " ");
    }
    for (uint32_t i = 0; i < s->u.decl.n_items; i++) {
        if (i)
            tg_fmt_comma(t);
        put_declarator(t, &s->u.decl.items[i], let && is_tuple_binding(t, &s->u.decl.items[i]));
    }
}

static void put_axis(fmt_text *t, const tg_stmt *s) {
    tg_fmt_puts(t, "axis ");
    put_binders(t, s->u.axis.items, s->u.axis.n_items);
}

static void put_view(fmt_text *t, const tg_stmt *s) {
    tg_fmt_puts(t, "view ");
    tg_fmt_type(t, s->u.view.type);
    tg_strbuf_printf(&t->text, " %s", s->u.view.name);
    put_dims(t, s->u.view.dims, s->u.view.n_dims);
    put_init(t, s->u.view.base);
    if (s->u.view.n_strides == 0)
        return;
    tg_fmt_space(t, 0);
    tg_fmt_open(t, "strides (");
    for (uint32_t i = 0; i < s->u.view.n_strides; i++) {
        if (i)
            tg_fmt_comma(t);
        tg_fmt_expr(t, s->u.view.strides[i]);
    }
    tg_fmt_close(t, ")");
}

static void put_temp(fmt_text *t, const tg_stmt *s) {
    tg_fmt_puts(t, "temp ");
    tg_fmt_type(t, s->u.temp.type);
    tg_fmt_puts(t, " ");
    for (uint32_t i = 0; i < s->u.temp.n_items; i++) {
        if (i)
            tg_fmt_comma(t);
        tg_fmt_puts(t, s->u.temp.items[i].name);
        put_dims(t, s->u.temp.items[i].dims, s->u.temp.items[i].n_dims);
        put_init(t, s->u.temp.items[i].init);
    }
}

static void put_assign(fmt_text *t, const tg_stmt *s) {
    if (s->u.assign.atomic)
        tg_fmt_puts(t, "atomic");
    if (s->u.assign.order)
        tg_strbuf_printf(&t->text, s->u.assign.scope ? "(%s, %s)" : "(%s)", s->u.assign.order,
                         s->u.assign.scope);
    tg_fmt_puts(t, s->u.assign.atomic ? " " : s->u.assign.unchecked ? "unchecked " : "");
    t->level += 2 * TG_FMT_NEST; /* the target is broken last */
    tg_fmt_expr(t, s->u.assign.target);
    t->level -= 2 * TG_FMT_NEST;
    tg_strbuf_printf(&t->text, " %s=", tg_fmt_operator(s->u.assign.op));
    tg_fmt_space(t, TG_FMT_NEST + 15);
    tg_fmt_expr(t, s->u.assign.value);
    if (!s->u.assign.guard)
        return;
    tg_fmt_space(t, 1);
    tg_fmt_puts(t, "where ");
    tg_fmt_expr(t, s->u.assign.guard);
}

static void put_call_stmt(fmt_text *t, const tg_stmt *s) {
    tg_fmt_expr(t, s->u.call.call);
}

static void put_jump(fmt_text *t, const tg_stmt *s) {
    tg_fmt_puts(t, s->kind == TG_STMT_BREAK      ? "break"
                   : s->kind == TG_STMT_CONTINUE ? "continue"
                                                 : "return");
    if (s->kind != TG_STMT_RETURN || !s->u.ret.value)
        return;
    tg_fmt_puts(t, " ");
    tg_fmt_expr(t, s->u.ret.value);
}

static void put_static_assert(fmt_text *t, const tg_arg *args, uint32_t n) {
    tg_fmt_open(t, "static_assert(");
    tg_fmt_args(t, args, n);
    tg_fmt_close(t, ")");
}

static void put_assert_stmt(fmt_text *t, const tg_stmt *s) {
    put_static_assert(t, s->u.static_assertion.args, s->u.static_assertion.n_args);
}

void tg_fmt_simple(fmt_text *t, const tg_stmt *s) {
    typedef void put_fn(fmt_text *, const tg_stmt *);
    static put_fn *const table[] = {
        [TG_STMT_LET] = put_decl,
        [TG_STMT_DECL] = put_decl,
        [TG_STMT_AXIS] = put_axis,
        [TG_STMT_VIEW] = put_view,
        [TG_STMT_TEMP] = put_temp,
        [TG_STMT_BREAK] = put_jump,
        [TG_STMT_CONTINUE] = put_jump,
        [TG_STMT_RETURN] = put_jump,
        [TG_STMT_STATIC_ASSERT] = put_assert_stmt,
        [TG_STMT_ASSIGN] = put_assign,
        [TG_STMT_CALL] = put_call_stmt,
        [TG_STMT_POISON] = NULL,
    };
    if (table[s->kind])
        table[s->kind](t, s);
}

/* ---- headers of statements --------------------------------------------------------------- */

static void put_grid_head(fmt_text *t, const tg_stmt *s) {
    if (s->u.grid.label)
        tg_strbuf_printf(&t->text, "%s: ", s->u.grid.label);
    tg_fmt_puts(t, "grid");
    if (s->u.grid.n_binders == 0)
        return;
    tg_fmt_open(t, " (");
    put_binders(t, s->u.grid.binders, s->u.grid.n_binders);
    tg_fmt_close(t, ")");
}

static void put_c_head(fmt_text *t, const tg_stmt *s) {
    tg_fmt_open(t, s->u.for_c.unroll ? "unroll for (" : "for (");
    tg_fmt_simple(t, s->u.for_c.init);
    tg_fmt_puts(t, ";");
    tg_fmt_space(t, 0);
    tg_fmt_expr(t, s->u.for_c.test);
    tg_fmt_puts(t, ";");
    tg_fmt_space(t, 0);
    tg_fmt_simple(t, s->u.for_c.step);
    tg_fmt_close(t, ")");
}

void tg_fmt_head(fmt_text *t, const tg_stmt *s) {
    if (s->kind == TG_STMT_GRID) {
        put_grid_head(t, s);
    } else if (s->kind == TG_STMT_FOR_C) {
        put_c_head(t, s);
    } else if (s->kind == TG_STMT_FOR) {
        tg_fmt_open(t, s->u.range.unroll ? "unroll for (" : "for (");
        put_binder(t, &s->u.range.binder);
        tg_fmt_close(t, ")");
    } else if (s->kind == TG_STMT_IF || s->kind == TG_STMT_WHILE) {
        bool branch = s->kind == TG_STMT_IF;
        tg_fmt_open(t, !branch ? "while (" : s->u.branch.is_const ? "if const (" : "if (");
        tg_fmt_expr(t, branch ? s->u.branch.test : s->u.loop.test);
        tg_fmt_close(t, ")");
    }
}

/* ---- items ------------------------------------------------------------------------------- */

static void put_generics(fmt_text *t, const tg_generic *generics, uint32_t n) {
    if (n == 0)
        return;
    tg_fmt_open(t, "<");
    for (uint32_t i = 0; i < n; i++) {
        if (i)
            tg_fmt_comma(t);
        tg_strbuf_printf(&t->text, "%s: ", generics[i].name);
        for (uint32_t k = 0; k < generics[i].n_bounds; k++)
            tg_strbuf_printf(&t->text, "%s%s", k ? " | " : "", generics[i].bounds[k]);
    }
    tg_fmt_close(t, ">");
}

static void put_param(fmt_text *t, const tg_param *param) {
    static const char *const directions[] = {"in", "out", "inout"};
    if (param->kind == TG_PARAM_AXIS || param->kind == TG_PARAM_FN) {
        tg_strbuf_printf(&t->text, "%s %s", param->kind == TG_PARAM_AXIS ? "axis" : "fn",
                         param->name);
        return;
    }
    if (param->kind == TG_PARAM_TENSOR)
        tg_strbuf_printf(&t->text, "%s%s ", directions[param->direction],
                         param->optional ? "?" : "");
    tg_fmt_puts(t, param->kind == TG_PARAM_PTR ? "ptr " : param->is_const ? "const " : "");
    tg_fmt_type(t, param->type);
    tg_strbuf_printf(&t->text, " %s", param->name);
    if (param->kind == TG_PARAM_TENSOR)
        put_dims(t, param->dims, param->n_dims);
    if (param->n_axes)
        put_names(t, "[", param->axes, param->n_axes, "]");
    put_init(t, param->init);
}

/* Commas between parameters are the first places to break: they count as outside the
 * parentheses. */
static void put_params(fmt_text *t, const tg_param *params, uint32_t n) {
    tg_fmt_puts(t, "(");
    for (uint32_t i = 0; i < n; i++) {
        if (i)
            tg_fmt_comma(t);
        t->level += TG_FMT_NEST;
        put_param(t, &params[i]);
        t->level -= TG_FMT_NEST;
    }
    tg_fmt_puts(t, ")");
}

void tg_fmt_kernel_head(fmt_text *t, const tg_item *item) {
    const tg_kernel_decl *k = &item->u.kernel;
    tg_strbuf_printf(&t->text, "%skernel %s", item->is_private ? "private " : "", k->name);
    put_generics(t, k->generics, k->n_generics);
    put_params(t, k->params, k->n_params);
}

static void put_signature(fmt_text *t, const tg_fn *fn) {
    tg_strbuf_printf(&t->text, "fn %s", fn->name);
    put_generics(t, fn->generics, fn->n_generics);
    put_params(t, fn->params, fn->n_params);
    tg_fmt_puts(t, " -> ");
    tg_fmt_type(t, fn->result);
}

void tg_fmt_fn_head(fmt_text *t, const tg_item *item) {
    tg_fmt_puts(t, item->is_private ? "private " : "");
    put_signature(t, &item->u.fn);
}

static void put_fn_value(fmt_text *t, const tg_item *item) {
    const tg_fn *fn = &item->u.fn;
    if (item->kind == TG_ITEM_EXTERN_FN) {
        tg_fmt_puts(t, "extern ");
        tg_fmt_string(t, fn->extern_target, (uint32_t)strlen(fn->extern_target));
        tg_fmt_puts(t, " ");
    }
    tg_fmt_fn_head(t, item);
    tg_fmt_puts(t, " =");
    tg_fmt_space(t, 1);
    tg_fmt_expr(t, fn->value ? fn->value : fn->extern_code);
}

static void put_import(fmt_text *t, const tg_item *item) {
    tg_fmt_puts(t, "import ");
    tg_fmt_string(t, item->u.import.path, (uint32_t)strlen(item->u.import.path));
    if (item->u.import.alias)
        tg_strbuf_printf(&t->text, " as %s", item->u.import.alias);
    for (uint32_t i = 0; i < item->u.import.n_names; i++) {
        tg_fmt_puts(t, i ? "," : ":");
        tg_fmt_space(t, 0);
        tg_fmt_puts(t, item->u.import.names[i]);
    }
}

void tg_fmt_short_item(fmt_text *t, const tg_item *item) {
    if (item->kind == TG_ITEM_IMPORT)
        put_import(t, item);
    if (item->kind == TG_ITEM_FN || item->kind == TG_ITEM_EXTERN_FN)
        put_fn_value(t, item);
    if (item->kind == TG_ITEM_STATIC_ASSERT)
        put_static_assert(t, item->u.static_assertion.args, item->u.static_assertion.n_args);
    if (item->kind == TG_ITEM_GRAD)
        tg_strbuf_printf(&t->text, "grad %s %s %s", item->u.grad.name,
                         item->u.grad.like ? "like" : "=", item->u.grad.other);
    if (item->kind == TG_ITEM_CONST) {
        tg_fmt_puts(t, item->is_private ? "private const " : "const ");
        tg_fmt_type(t, item->u.constant.type);
        tg_strbuf_printf(&t->text, " %s", item->u.constant.name);
        put_init(t, item->u.constant.value);
    }
    tg_fmt_puts(t, ";");
}

/* ---- tune and schedule ------------------------------------------------------------------- */

void tg_fmt_tune_head(fmt_text *t, const tg_item *item) {
    bool tune = item->kind == TG_ITEM_TUNE;
    tg_strbuf_printf(&t->text, "%s %s", tune ? "tune" : "schedule", item->u.tune.name);
    if (item->u.tune.target)
        tg_strbuf_printf(&t->text, " @ %s", item->u.tune.target);
    if (!item->u.tune.when)
        return;
    tg_fmt_open(t, " when (");
    tg_fmt_expr(t, item->u.tune.when);
    tg_fmt_close(t, ")");
}

static void put_value(fmt_text *t, const tg_tvalue *v) {
    bool number = v->kind == TG_TV_INT || v->kind == TG_TV_FLOAT;
    if (t->source && number)
        tg_strbuf_put(&t->text, t->source->text + v->span.begin, v->span.end - v->span.begin);
    else if (number)
        tg_strbuf_printf(&t->text, "%.17g",
                         v->kind == TG_TV_INT ? (double)v->integer : v->number);
    if (v->kind == TG_TV_BOOL)
        tg_fmt_puts(t, v->boolean ? "true" : "false");
    if (v->kind == TG_TV_NAME)
        tg_fmt_puts(t, v->name);
    if (v->n_items == 0)
        return;
    tg_fmt_open(t, "(");
    for (uint32_t i = 0; i < v->n_items; i++) {
        if (i)
            tg_fmt_comma(t);
        put_value(t, v->items[i]);
    }
    tg_fmt_close(t, ")");
}

static void put_target(fmt_text *t, const tg_sched_target *target) {
    if (target->phase)
        tg_strbuf_printf(&t->text, "%s.", target->phase);
    tg_fmt_puts(t, target->name);
    if (target->ordinal)
        tg_strbuf_printf(&t->text, "#%lld", (long long)target->ordinal);
    if (target->n_args)
        put_names(t, "(", target->args, target->n_args, ")");
}

static void put_setting(fmt_text *t, const tg_titem *item) {
    for (uint32_t i = 0; i < item->n_targets; i++) {
        if (i)
            tg_fmt_comma(t);
        put_target(t, &item->targets[i]);
    }
    if (item->kind == TG_TI_RANGE) {
        tg_strbuf_printf(&t->text, " in %lld..%lld", (long long)item->lo, (long long)item->hi);
        if (item->step != 1)
            tg_strbuf_printf(&t->text, " step %lld", (long long)item->step);
        return;
    }
    tg_fmt_open(t, item->kind == TG_TI_CHOICES ? " in {" : " = ");
    for (uint32_t i = 0; i < item->n_values; i++) {
        if (i)
            tg_fmt_comma(t);
        put_value(t, item->values[i]);
    }
    tg_fmt_close(t, item->kind == TG_TI_CHOICES ? "}" : "");
}

void tg_fmt_titem(fmt_text *t, const tg_titem *item) {
    if (item->kind == TG_TI_REQUIRE) {
        tg_fmt_puts(t, "require ");
        tg_fmt_expr(t, item->require);
    } else if (item->kind == TG_TI_BUCKET) {
        tg_fmt_puts(t, "bucket ");
        for (uint32_t i = 0; i < item->n_buckets; i++) {
            if (i)
                tg_fmt_comma(t);
            tg_fmt_puts(t, item->buckets[i].name);
            if (item->buckets[i].how)
                tg_strbuf_printf(&t->text, " %s", item->buckets[i].how);
        }
    } else {
        put_setting(t, item);
    }
    tg_fmt_puts(t, ";");
}
