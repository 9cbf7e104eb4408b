/* The syntax tree as S-expressions, one line per statement, without positions: `tegula compile
 * --emit ast`, golden tests of the parser, and the check that formatting keeps the tree.
 *
 * Everything that means something is printed, parentheses of the source included (`(paren
 * x)`): they decide contraction and whether a trailing name is an axis argument. */
#include "dsl/parser/ast.h"

#include <string.h>

typedef struct dumper {
    tg_strbuf *out;
    int indent;
} dumper;

static void put(dumper *d, const char *text) {
    tg_strbuf_puts(d->out, text);
}

static void line(dumper *d) {
    if (d->out->len > 0)
        tg_strbuf_putc(d->out, '\n');
    for (int i = 0; i < d->indent; i++)
        put(d, "  ");
}

static const char *or_nothing(const char *text) {
    return text ? text : "-";
}

static void dump_expr(dumper *d, const tg_expr *e);

static void dump_type(dumper *d, const tg_tref *t) {
    if (!t) {
        put(d, "-");
        return;
    }
    if (t->kind == TG_TREF_NAMED)
        put(d, or_nothing(t->name));
    if (t->kind == TG_TREF_WIDE) {
        put(d, "(wide ");
        dump_type(d, t->inner);
        put(d, ")");
    }
    for (uint32_t i = 0; t->kind == TG_TREF_TUPLE && i < t->n_items; i++) {
        put(d, i ? " " : "(types ");
        dump_type(d, t->items[i]);
    }
    if (t->kind == TG_TREF_TUPLE)
        put(d, ")");
    if (!t->has_axes)
        return;
    for (uint32_t i = 0; i < t->n_axes; i++)
        tg_strbuf_printf(d->out, "%s%s", i ? " " : "[", t->axes[i]);
    put(d, "]");
}

static void dump_names(dumper *d, const char *open, const tg_name *names, uint32_t n,
                       const char *close) {
    put(d, open);
    for (uint32_t i = 0; i < n; i++)
        tg_strbuf_printf(d->out, "%s%s", i ? " " : "", names[i]);
    put(d, close);
}

static void dump_exprs(dumper *d, const char *head, tg_expr *const *items, uint32_t n) {
    tg_strbuf_printf(d->out, "(%s", head);
    for (uint32_t i = 0; i < n; i++) {
        put(d, " ");
        dump_expr(d, items[i]);
    }
    put(d, ")");
}

static void dump_args(dumper *d, const tg_arg *args, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        put(d, " ");
        if (args[i].name)
            tg_strbuf_printf(d->out, "%s=", args[i].name);
        dump_expr(d, args[i].value);
    }
}

static const char *oper_name(tg_operator op) {
    static const char *const names[] = {
        [TG_OPER_MUL] = "*",   [TG_OPER_DIV] = "/",   [TG_OPER_REM] = "%",
        [TG_OPER_ADD] = "+",   [TG_OPER_SUB] = "-",   [TG_OPER_SHL] = "<<",
        [TG_OPER_SHR] = ">>",  [TG_OPER_AND] = "&",   [TG_OPER_XOR] = "^",
        [TG_OPER_OR] = "|",    [TG_OPER_LT] = "<",    [TG_OPER_LE] = "<=",
        [TG_OPER_GT] = ">",    [TG_OPER_GE] = ">=",   [TG_OPER_EQ] = "==",
        [TG_OPER_NE] = "!=",   [TG_OPER_LAND] = "&&", [TG_OPER_LOR] = "||",
        [TG_OPER_MIN] = "min", [TG_OPER_MAX] = "max", [TG_OPER_NEG] = "neg",
        [TG_OPER_LNOT] = "!",  [TG_OPER_BNOT] = "~",  [TG_OPER_NONE] = "",
    };
    return names[op];
}

static void dump_index(dumper *d, const tg_expr *e) {
    put(d, "(at ");
    dump_expr(d, e->u.index.base);
    dump_args(d, e->u.index.args, e->u.index.n_args);
    if (e->u.index.otherwise) {
        put(d, " else ");
        dump_expr(d, e->u.index.otherwise);
    }
    put(d, ")");
}

static void dump_operation(dumper *d, const tg_expr *e) {
    if (e->kind == TG_EXPR_UNARY)
        dump_exprs(d, oper_name(e->u.unary.op), &e->u.unary.operand, 1);
    if (e->kind == TG_EXPR_BINARY)
        dump_exprs(d, oper_name(e->u.binary.op),
                   (tg_expr *[]){e->u.binary.left, e->u.binary.right}, 2);
    if (e->kind == TG_EXPR_COND)
        dump_exprs(d, "?", (tg_expr *[]){e->u.cond.test, e->u.cond.yes, e->u.cond.no}, 3);
    if (e->kind == TG_EXPR_CALL) {
        put(d, "(call ");
        dump_expr(d, e->u.call.callee);
        dump_args(d, e->u.call.args, e->u.call.n_args);
        put(d, ")");
    }
    if (e->kind == TG_EXPR_INDEX)
        dump_index(d, e);
}

static void dump_leaf(dumper *d, const tg_expr *e) {
    if (e->kind == TG_EXPR_INT)
        tg_strbuf_printf(d->out, "%llu", (unsigned long long)e->u.integer.value);
    if (e->kind == TG_EXPR_FLOAT)
        tg_strbuf_printf(d->out, "%s", e->u.number.text);
    if (e->kind == TG_EXPR_STRING)
        tg_strbuf_json(d->out, e->u.string.text, e->u.string.len);
    if (e->kind == TG_EXPR_BOOL)
        put(d, e->u.boolean.value ? "true" : "false");
    if (e->kind == TG_EXPR_INF || e->kind == TG_EXPR_NAN)
        put(d, e->kind == TG_EXPR_INF ? "inf" : "nan");
    if (e->kind == TG_EXPR_NAME)
        put(d, e->u.name.name);
    if (e->kind == TG_EXPR_POISON)
        put(d, "poison");
    if (e->kind == TG_EXPR_TYPE) {
        put(d, "(type ");
        dump_type(d, e->u.type.type);
        put(d, ")");
    }
}

static void dump_expr(dumper *d, const tg_expr *e) {
    if (e->parens)
        put(d, "(paren ");
    if (e->kind == TG_EXPR_TUPLE) {
        dump_exprs(d, "tuple", e->u.tuple.items, e->u.tuple.n_items);
    } else if (e->kind == TG_EXPR_MEMBER) {
        put(d, "(. ");
        dump_expr(d, e->u.member.base);
        tg_strbuf_printf(d->out, " %s)", e->u.member.name);
    } else if (e->kind == TG_EXPR_ELEMENT) {
        put(d, "(. ");
        dump_expr(d, e->u.element.base);
        tg_strbuf_printf(d->out, " %u)", e->u.element.position);
    } else {
        dump_leaf(d, e);
        dump_operation(d, e);
    }
    if (e->parens)
        put(d, ")");
}

static void dump_optional(dumper *d, const char *head, const tg_expr *e) {
    if (!e)
        return;
    tg_strbuf_printf(d->out, " %s ", head);
    dump_expr(d, e);
}

/* ---- statements -------------------------------------------------------------------------- */

static void dump_domain(dumper *d, const tg_domain *domain) {
    dump_optional(d, "in", domain->extent);
    dump_optional(d, "from", domain->from);
    dump_optional(d, "until", domain->until);
    dump_optional(d, "step", domain->step);
}

static void dump_binders(dumper *d, const tg_binder *binders, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        tg_strbuf_printf(d->out, " (%s%s", binders[i].each ? "each " : "", binders[i].name);
        dump_domain(d, &binders[i].domain);
        put(d, ")");
    }
}

static void dump_dims(dumper *d, const tg_dim *dims, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        put(d, i ? " " : "[");
        put(d, dims[i].is_const ? "const " : "");
        dump_expr(d, dims[i].value);
    }
    put(d, "]");
}

static void dump_init_list(dumper *d, const tg_init_list *list) {
    put(d, "(list");
    for (uint32_t i = 0; i < list->n_items; i++) {
        put(d, " ");
        if (list->items[i].list)
            dump_init_list(d, list->items[i].list);
        else
            dump_expr(d, list->items[i].value);
    }
    put(d, ")");
}

static void dump_declarators(dumper *d, const tg_declarator *items, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        dump_names(d, " (", items[i].names, items[i].n_names, "");
        if (items[i].n_axes)
            dump_names(d, " [", items[i].axes, items[i].n_axes, "]");
        dump_optional(d, "=", items[i].init);
        if (items[i].list) {
            put(d, " = ");
            dump_init_list(d, items[i].list);
        }
        put(d, ")");
    }
}

static void dump_decl(dumper *d, const tg_stmt *s) {
    if (s->kind == TG_STMT_LET) {
        put(d, "(let");
    } else {
        put(d, s->u.decl.is_const ? "(decl const " : "(decl ");
        dump_type(d, s->u.decl.type);
    }
    dump_declarators(d, s->u.decl.items, s->u.decl.n_items);
    put(d, ")");
}

static void dump_memory(dumper *d, const tg_stmt *s) {
    if (s->kind == TG_STMT_VIEW) {
        put(d, "(view ");
        dump_type(d, s->u.view.type);
        tg_strbuf_printf(d->out, " %s", s->u.view.name);
        dump_dims(d, s->u.view.dims, s->u.view.n_dims);
        dump_optional(d, "=", s->u.view.base);
        if (s->u.view.n_strides) {
            put(d, " ");
            dump_exprs(d, "strides", s->u.view.strides, s->u.view.n_strides);
        }
        put(d, ")");
        return;
    }
    put(d, "(temp ");
    dump_type(d, s->u.temp.type);
    for (uint32_t i = 0; i < s->u.temp.n_items; i++) {
        tg_strbuf_printf(d->out, " (%s", s->u.temp.items[i].name);
        dump_dims(d, s->u.temp.items[i].dims, s->u.temp.items[i].n_dims);
        dump_optional(d, "=", s->u.temp.items[i].init);
        put(d, ")");
    }
    put(d, ")");
}

static void dump_assign(dumper *d, const tg_stmt *s) {
    if (s->u.assign.atomic)
        tg_strbuf_printf(d->out, "(atomic %s %s ", or_nothing(s->u.assign.order),
                         or_nothing(s->u.assign.scope));
    tg_strbuf_printf(d->out, "(%s= ", oper_name(s->u.assign.op));
    dump_expr(d, s->u.assign.target);
    put(d, " ");
    dump_expr(d, s->u.assign.value);
    dump_optional(d, "where", s->u.assign.guard);
    put(d, s->u.assign.unchecked ? " unchecked)" : ")");
    if (s->u.assign.atomic)
        put(d, ")");
}

static void dump_stmt(dumper *d, const tg_stmt *s);

static void dump_body(dumper *d, const tg_stmt *s) {
    d->indent++;
    if (s)
        dump_stmt(d, s);
    put(d, ")");
    d->indent--;
}

static void dump_compound(dumper *d, const tg_stmt *s) {
    if (s->kind == TG_STMT_GRID) {
        tg_strbuf_printf(d->out, "(grid %s", or_nothing(s->u.grid.label));
        dump_binders(d, s->u.grid.binders, s->u.grid.n_binders);
        dump_body(d, s->u.grid.body);
    } else if (s->kind == TG_STMT_WHILE) {
        put(d, "(while ");
        dump_expr(d, s->u.loop.test);
        dump_body(d, s->u.loop.body);
    } else if (s->kind == TG_STMT_FOR) {
        put(d, s->u.range.unroll ? "(unroll-for" : "(for");
        dump_binders(d, &s->u.range.binder, 1);
        dump_body(d, s->u.range.body);
    } else if (s->kind == TG_STMT_FOR_C) {
        put(d, s->u.for_c.unroll ? "(unroll-loop " : "(loop ");
        dump_expr(d, s->u.for_c.test);
        d->indent++;
        dump_stmt(d, s->u.for_c.init);
        dump_stmt(d, s->u.for_c.step);
        d->indent--;
        dump_body(d, s->u.for_c.body);
    }
}

static void dump_if(dumper *d, const tg_stmt *s) {
    put(d, s->u.branch.is_const ? "(if const " : "(if ");
    dump_expr(d, s->u.branch.test);
    d->indent++;
    dump_stmt(d, s->u.branch.yes);
    if (s->u.branch.no) {
        line(d);
        put(d, "else");
        dump_stmt(d, s->u.branch.no);
    }
    d->indent--;
    put(d, ")");
}

static void dump_short(dumper *d, const tg_stmt *s) {
    if (s->kind == TG_STMT_BREAK || s->kind == TG_STMT_CONTINUE)
        put(d, s->kind == TG_STMT_BREAK ? "(break)" : "(continue)");
    if (s->kind == TG_STMT_POISON)
        put(d, "poison");
    if (s->kind == TG_STMT_CALL)
        dump_expr(d, s->u.call.call);
    if (s->kind == TG_STMT_RETURN) {
        put(d, "(return");
        dump_optional(d, "", s->u.ret.value);
        put(d, ")");
    }
    if (s->kind == TG_STMT_STATIC_ASSERT) {
        put(d, "(static_assert");
        dump_args(d, s->u.static_assertion.args, s->u.static_assertion.n_args);
        put(d, ")");
    }
    if (s->kind == TG_STMT_AXIS) {
        put(d, "(axis");
        dump_binders(d, s->u.axis.items, s->u.axis.n_items);
        put(d, ")");
    }
}

static void dump_stmt(dumper *d, const tg_stmt *s) {
    line(d);
    if (s->kind == TG_STMT_BLOCK) {
        put(d, "(block");
        d->indent++;
        for (uint32_t i = 0; i < s->u.block.n_items; i++)
            dump_stmt(d, s->u.block.items[i]);
        d->indent--;
        put(d, ")");
    } else if (s->kind == TG_STMT_LET || s->kind == TG_STMT_DECL) {
        dump_decl(d, s);
    } else if (s->kind == TG_STMT_VIEW || s->kind == TG_STMT_TEMP) {
        dump_memory(d, s);
    } else if (s->kind == TG_STMT_ASSIGN) {
        dump_assign(d, s);
    } else if (s->kind == TG_STMT_IF) {
        dump_if(d, s);
    } else {
        dump_compound(d, s);
        dump_short(d, s);
    }
}

/* ---- items ------------------------------------------------------------------------------- */

static void dump_generics(dumper *d, const tg_generic *generics, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        tg_strbuf_printf(d->out, " <%s:", generics[i].name);
        dump_names(d, " ", generics[i].bounds, generics[i].n_bounds, ">");
    }
}

static void dump_param(dumper *d, const tg_param *param) {
    static const char *const directions[] = {"in", "out", "inout"};
    static const char *const heads[] = {"", "value", "ptr", "axis", "fn"};
    line(d);
    tg_strbuf_printf(d->out, "(%s%s%s ",
                     param->kind == TG_PARAM_TENSOR ? directions[param->direction]
                                                    : heads[param->kind],
                     param->optional ? "?" : "", param->is_const ? " const" : "");
    dump_type(d, param->type);
    tg_strbuf_printf(d->out, " %s", param->name);
    if (param->kind == TG_PARAM_TENSOR)
        dump_dims(d, param->dims, param->n_dims);
    if (param->n_axes)
        dump_names(d, "[", param->axes, param->n_axes, "]");
    dump_optional(d, "=", param->init);
    put(d, ")");
}

static void dump_fn(dumper *d, const tg_fn *fn) {
    tg_strbuf_printf(d->out, "%s", fn->name);
    dump_generics(d, fn->generics, fn->n_generics);
    put(d, " -> ");
    dump_type(d, fn->result);
    d->indent++;
    for (uint32_t i = 0; i < fn->n_params; i++)
        dump_param(d, &fn->params[i]);
    if (fn->value || fn->extern_code) {
        line(d);
        dump_expr(d, fn->value ? fn->value : fn->extern_code);
    }
    if (fn->body)
        dump_stmt(d, fn->body);
    d->indent--;
    put(d, ")");
}

static void dump_kernel(dumper *d, const tg_kernel_decl *k) {
    tg_strbuf_printf(d->out, "%s", k->name);
    dump_generics(d, k->generics, k->n_generics);
    if (k->n_fast)
        dump_names(d, " fast(", k->fast, k->n_fast, ")");
    d->indent++;
    for (uint32_t i = 0; i < k->n_params; i++)
        dump_param(d, &k->params[i]);
    if (k->n_wheres) {
        line(d);
        dump_exprs(d, "where", k->wheres, k->n_wheres);
    }
    if (k->body)
        dump_stmt(d, k->body);
    d->indent--;
    put(d, ")");
}

static void dump_tvalue(dumper *d, const tg_tvalue *v) {
    if (v->kind == TG_TV_INT)
        tg_strbuf_printf(d->out, "%lld", (long long)v->integer);
    if (v->kind == TG_TV_FLOAT)
        tg_strbuf_printf(d->out, "%.17g", v->number);
    if (v->kind == TG_TV_BOOL)
        put(d, v->boolean ? "true" : "false");
    if (v->kind == TG_TV_NAME)
        put(d, v->name);
    for (uint32_t i = 0; i < v->n_items; i++) {
        put(d, i ? " " : "(");
        dump_tvalue(d, v->items[i]);
    }
    if (v->n_items)
        put(d, ")");
}

static void dump_target(dumper *d, const tg_sched_target *t) {
    tg_strbuf_printf(d->out, " %s%s%s", t->phase ? t->phase : "", t->phase ? "." : "", t->name);
    if (t->ordinal)
        tg_strbuf_printf(d->out, "#%lld", (long long)t->ordinal);
    if (t->n_args)
        dump_names(d, "(", t->args, t->n_args, ")");
}

static void dump_titem(dumper *d, const tg_titem *item) {
    static const char *const heads[] = {"set", "choices", "range", "require", "bucket"};
    line(d);
    tg_strbuf_printf(d->out, "(%s", heads[item->kind]);
    for (uint32_t i = 0; i < item->n_targets; i++)
        dump_target(d, &item->targets[i]);
    for (uint32_t i = 0; i < item->n_values; i++) {
        put(d, " : ");
        dump_tvalue(d, item->values[i]);
    }
    if (item->kind == TG_TI_RANGE)
        tg_strbuf_printf(d->out, " : %lld %lld %lld", (long long)item->lo, (long long)item->hi,
                         (long long)item->step);
    dump_optional(d, ":", item->require);
    for (uint32_t i = 0; i < item->n_buckets; i++)
        tg_strbuf_printf(d->out, " (%s %s)", item->buckets[i].name,
                         or_nothing(item->buckets[i].how));
    put(d, ")");
}

static void dump_tune(dumper *d, const tg_item *item) {
    tg_strbuf_printf(d->out, "%s %s", item->u.tune.name, or_nothing(item->u.tune.target));
    dump_optional(d, "when", item->u.tune.when);
    d->indent++;
    for (uint32_t i = 0; i < item->u.tune.n_items; i++)
        dump_titem(d, &item->u.tune.items[i]);
    d->indent--;
    put(d, ")");
}

static void dump_import(dumper *d, const tg_item *item) {
    tg_strbuf_json(d->out, item->u.import.path, strlen(item->u.import.path));
    tg_strbuf_printf(d->out, " as %s", or_nothing(item->u.import.alias));
    dump_names(d, " :", item->u.import.names, item->u.import.n_names, ")");
}

static void dump_item(dumper *d, const tg_item *item) {
    static const char *const heads[] = {
        [TG_ITEM_IMPORT] = "import ",
        [TG_ITEM_CONST] = "const ",
        [TG_ITEM_FN] = "fn ",
        [TG_ITEM_EXTERN_FN] = "extern-fn ",
        [TG_ITEM_KERNEL] = "kernel ",
        [TG_ITEM_GRAD] = "grad ",
        [TG_ITEM_TUNE] = "tune ",
        [TG_ITEM_SCHEDULE] = "schedule ",
        [TG_ITEM_STATIC_ASSERT] = "static_assert",
    };
    line(d);
    if (item->doc) {
        put(d, "; ");
        tg_strbuf_json(d->out, item->doc, strlen(item->doc));
        line(d);
    }
    tg_strbuf_printf(d->out, "(%s%s", item->is_private ? "private " : "", heads[item->kind]);
    if (item->kind == TG_ITEM_IMPORT)
        dump_import(d, item);
    if (item->kind == TG_ITEM_FN)
        dump_fn(d, &item->u.fn);
    if (item->kind == TG_ITEM_EXTERN_FN) {
        tg_strbuf_json(d->out, item->u.fn.extern_target, strlen(item->u.fn.extern_target));
        put(d, " ");
        dump_fn(d, &item->u.fn);
    }
    if (item->kind == TG_ITEM_KERNEL)
        dump_kernel(d, &item->u.kernel);
    if (item->kind == TG_ITEM_TUNE || item->kind == TG_ITEM_SCHEDULE)
        dump_tune(d, item);
    if (item->kind == TG_ITEM_GRAD)
        tg_strbuf_printf(d->out, "%s %s %s)", item->u.grad.name,
                         item->u.grad.like ? "like" : "=", item->u.grad.other);
    if (item->kind == TG_ITEM_CONST) {
        dump_type(d, item->u.constant.type);
        tg_strbuf_printf(d->out, " %s ", item->u.constant.name);
        dump_expr(d, item->u.constant.value);
        put(d, ")");
    }
    if (item->kind == TG_ITEM_STATIC_ASSERT) {
        dump_args(d, item->u.static_assertion.args, item->u.static_assertion.n_args);
        put(d, ")");
    }
}

void tg_ast_dump(const tg_file *file, tg_strbuf *out) {
    dumper d = {.out = out};
    for (uint32_t i = 0; i < file->n_items; i++)
        dump_item(&d, file->items[i]);
    if (out->len > 0)
        tg_strbuf_putc(out, '\n');
}
