/* Indexing of tensors and tiles, and the members of names.
 *
 *   X[e, …] [else v]     a tensor: one index per dimension, reads 0 or v outside
 *   x[r = e, …] [else v] a tile: the only way to reach other points of it */
#include "base/signature.h"
#include "dsl/parser/elab_internal.h"

#include <string.h>

/* ---- tensors ----------------------------------------------------------------------------- */

static bool usable_tensor(tg_elab *e, tg_sym *t, tg_span span) {
    if (t->optional && !t->open) {
        tg_diag *d = tg_report(e->diags, TG_E0406, span, "optional '%s' used outside `if (%s)`",
                               t->name, t->name);
        tg_diag_add_label(e->diags, d, t->span, "declared optional here");
        tg_diag_add_help(e->diags, d, "write `if (%s) …` or `%s ? %s[…] : v`", t->name, t->name,
                         t->name);
        return false;
    }
    return t->tensor != NULL;
}

bool tg_elab_place(tg_elab *e, const tg_expr *x, tg_place *out) {
    tg_ev base = tg_elab_expr(e, x->u.index.base);
    if (base.kind != TG_EV_TENSOR) {
        if (base.kind != TG_EV_POISON) {
            tg_report(e->diags, TG_E0313, x->span, "expected a tensor, this is %s",
                      tg_elab_ev_text(e, &base));
        }
        return false;
    }
    tg_sym *t = base.sym;
    if (x->u.index.n_args != t->rank) {
        tg_diag *d =
            tg_report(e->diags, TG_E0213, x->span, "%s has %u dimension%s, %u ind%s given",
                      t->name, t->rank, t->rank == 1 ? "" : "s", x->u.index.n_args,
                      x->u.index.n_args == 1 ? "ex" : "ices");
        tg_diag_add_label(e->diags, d, t->span, "declared here");
        return false;
    }
    bool ok = usable_tensor(e, t, x->span);
    *out = (tg_place){t, TG_NEW_ARRAY(e->arena, tg_value *, t->rank), t->rank};
    for (uint32_t i = 0; i < t->rank; i++) {
        const tg_arg *a = &x->u.index.args[i];
        if (a->name) {
            tg_report(e->diags, TG_E0208, a->name_span,
                      "'%s' is a tensor: its indices are given by position", t->name);
        }
        out->indices[i] = tg_elab_index_tile(e, a->value);
        ok = ok && out->indices[i] && !a->name;
    }
    return ok;
}

void tg_elab_note_load(tg_elab *e, tg_sym *t, tg_span span) {
    t->last_load = e->phase;
    if (t->storage != TG_STORE_OUT || e->phase == 0) {
        return;
    }
    bool written = t->filled || (t->first_store && t->first_store < e->phase);
    if (!written || t->last_store == e->phase) {
        t->misread = e->phase;
        tg_diag *d = tg_report(
            e->diags, TG_E0411, span,
            "cannot read from 'out' %s here; it is write-only within a phase", t->name);
        tg_diag_add_label(e->diags, d, t->span, "declared out here");
        tg_diag_add_help(e->diags, d,
                         "accumulate in a tile, `f32 acc[…] = 0;`, and store once; or add from "
                         "several instances with `atomic %s[…] += …`; or declare %s inout, or "
                         "read it in a later grid",
                         t->name, t->name);
    }
}

void tg_elab_note_store(tg_elab *e, tg_sym *t, tg_span span) {
    if (t->storage == TG_STORE_IN) {
        tg_diag *d = tg_report(e->diags, TG_E0411, span, "cannot write to 'in' %s", t->name);
        tg_diag_add_label(e->diags, d, t->span, "declared in here");
        tg_diag_add_help(e->diags, d, "declare it out or inout");
        return;
    }
    if (t->storage == TG_STORE_OUT && t->last_load == e->phase && e->phase && !t->filled &&
        t->misread != e->phase) {
        tg_report(e->diags, TG_E0411, span,
                  "'out' %s is read and written in one phase; declare it inout", t->name);
    }
    t->first_store = t->first_store ? t->first_store : e->phase;
    t->last_store = e->phase;
}

tg_value *tg_elab_load(tg_elab *e, const tg_place *p, tg_value *otherwise, tg_span span) {
    e->b.span = span;
    tg_elab_note_load(e, p->tensor, span);
    return tg_build_load(&e->b, p->tensor->tensor, p->indices, p->n, otherwise);
}

static tg_ev index_tensor(tg_elab *e, const tg_expr *x) {
    tg_place p;
    if (!tg_elab_place(e, x, &p)) {
        return tg_ev_poison();
    }
    tg_value *otherwise = NULL;
    if (x->u.index.otherwise) {
        tg_ev v = tg_elab_rvalue(e, x->u.index.otherwise);
        otherwise = tg_elab_converted(e, &v, p.tensor->dtype, x->u.index.otherwise->span);
        if (!otherwise) {
            return tg_ev_poison();
        }
    }
    return tg_ev_value(tg_elab_load(e, &p, otherwise, x->span));
}

/* ---- tiles ------------------------------------------------------------------------------- */

bool tg_elab_named_indices(tg_elab *e, const tg_expr *x, const tg_type *t, tg_axis **axes,
                           tg_value **indices) {
    bool ok = true;
    for (uint32_t i = 0; i < x->u.index.n_args; i++) {
        const tg_arg *a = &x->u.index.args[i];
        if (!a->name) {
            tg_diag *d = tg_report(e->diags, TG_E0313, a->value->span,
                                   "tiles have no positions; name the axis: x[%s = …]",
                                   t->n_axes ? t->axes[0]->name : "j");
            tg_diag_set_label(e->diags, d, "the tile is %s", tg_elab_type_text(e, t));
            tg_diag_add_help(e->diags, d, "without brackets the name is the whole tile");
            return false;
        }
        tg_sym *s = tg_elab_axis_name(e, a->name, a->name_span);
        indices[i] = tg_elab_index_tile(e, a->value);
        ok = ok && s && indices[i];
        axes[i] = s ? s->axis : NULL;
        if (s && !tg_type_has_axis(t, s->axis)) {
            tg_report(e->diags, TG_E0310, a->name_span,
                      "axis '%s' is not an axis of this tile: %s", a->name,
                      tg_elab_type_text(e, t));
            ok = false;
        }
        for (uint32_t j = 0; j < i && ok; j++) {
            if (axes[j] == axes[i]) {
                tg_report(e->diags, TG_E0208, a->name_span, "axis '%s' is given twice",
                          a->name);
                ok = false;
            }
        }
    }
    return ok;
}

static tg_value *build_reindex(tg_elab *e, const tg_expr *x, tg_value *tile,
                               tg_value *otherwise) {
    uint32_t n = x->u.index.n_args;
    tg_axis **axes = TG_NEW_ARRAY(e->arena, tg_axis *, n);
    tg_value **operands = TG_NEW_ARRAY(e->arena, tg_value *, n + 2);
    if (!tg_elab_named_indices(e, x, tile->type, axes, operands + 1)) {
        return NULL;
    }
    operands[0] = tile;
    operands[n + 1] = otherwise;
    uint32_t count = n + 1 + (otherwise != NULL);
    const tg_type **types = TG_NEW_ARRAY(e->arena, const tg_type *, count);
    types[0] = tg_type_drop(e->func, tile->type, axes, n);
    for (uint32_t i = 1; i < count; i++) {
        types[i] = operands[i]->type;
    }
    const tg_type *result = tg_type_union(e->func, tile->type->dtype, types, count);
    tg_attr attrs[] = {tg_attr_axes(e->func->arena, TG_ATTR_AXES, axes, n),
                       tg_attr_flag(TG_ATTR_ELSE)};
    e->b.span = x->span;
    return tg_result(tg_build_op(&e->b, TG_OP_REINDEX, operands, count, &result, 1, attrs,
                                 otherwise ? 2 : 1),
                     0);
}

static tg_ev index_tile(tg_elab *e, const tg_expr *x, tg_ev base) {
    tg_ev v = tg_elab_as_rvalue(e, base, x->u.index.base->span);
    if (v.kind == TG_EV_TUPLE) {
        tg_report(e->diags, TG_E0313, x->span, "a tuple has parts, not indices; write t.0");
        return tg_ev_poison();
    }
    tg_value *tile = tg_elab_value(e, &v), *otherwise = NULL;
    if (!tile) {
        return tg_ev_poison();
    }
    if (x->u.index.otherwise) {
        tg_ev o = tg_elab_rvalue(e, x->u.index.otherwise);
        otherwise = tg_elab_converted(e, &o, tile->type->dtype, x->u.index.otherwise->span);
        if (!otherwise) {
            return tg_ev_poison();
        }
    }
    return tg_ev_value(build_reindex(e, x, tile, otherwise));
}

tg_ev tg_elab_index(tg_elab *e, const tg_expr *x) {
    tg_ev base = tg_elab_expr(e, x->u.index.base);
    if (base.kind == TG_EV_POISON) {
        return base;
    }
    return base.kind == TG_EV_TENSOR ? index_tensor(e, x) : index_tile(e, x, base);
}

/* ---- members ----------------------------------------------------------------------------- */

static bool is_block_axis(const tg_axis *a) {
    while (a->like) {
        a = a->like;
    }
    return a->kind != TG_AXIS_LOCAL;
}

tg_value *tg_elab_axis_attribute(tg_elab *e, tg_sym *axis, tg_opcode op, tg_span span) {
    tg_axis *a = axis->axis;
    e->b.span = span;
    if (is_block_axis(a)) {
        e->func->block_dependent = true;
    } else if (op == TG_OP_AXIS_SIZE && a->extent >= 0) {
        return tg_build_int(&e->b, TG_I64, a->extent);
    } else if (op == TG_OP_AXIS_FIRST && !axis->restricted) {
        return tg_build_int(&e->b, TG_I64, 0);
    } else if (op == TG_OP_AXIS_BLOCK || op == TG_OP_AXIS_COUNT) {
        return tg_build_int(&e->b, TG_I64, op == TG_OP_AXIS_COUNT);
    }
    return tg_build_axis_attr(&e->b, op, a);
}

static tg_ev axis_member(tg_elab *e, tg_sym *axis, const tg_expr *x) {
    static const struct {
        const char *name;
        tg_opcode op;
    } table[] = {{"first", TG_OP_AXIS_FIRST},
                 {"size", TG_OP_AXIS_SIZE},
                 {"block", TG_OP_AXIS_BLOCK},
                 {"count", TG_OP_AXIS_COUNT}};
    const char *name = x->u.member.name;
    for (size_t i = 0; i < 4; i++) {
        if (strcmp(name, table[i].name) == 0) {
            return tg_ev_value(tg_elab_axis_attribute(e, axis, table[i].op, x->span));
        }
    }
    if (strcmp(name, "last") == 0) {
        tg_value *first = tg_elab_axis_attribute(e, axis, TG_OP_AXIS_FIRST, x->span);
        tg_value *size = tg_elab_axis_attribute(e, axis, TG_OP_AXIS_SIZE, x->span);
        tg_value *end = tg_build_binary(&e->b, TG_OP_ADD, first, size);
        return tg_ev_value(
            tg_build_binary(&e->b, TG_OP_SUB, end, tg_build_int(&e->b, TG_I64, 1)));
    }
    static const char *const names[] = {"first", "last", "size", "block", "count"};
    const char *near = tg_suggest(name, names, 5);
    tg_diag *d = tg_report(e->diags, TG_E0308, x->u.member.name_span,
                           "attribute '%s' of axis '%s'; have first last size block count",
                           name, axis->name);
    if (near) {
        tg_diag_add_help(e->diags, d, "did you mean '%s'?", near);
        tg_diag_add_edit(e->diags, d, x->u.member.name_span, near);
    } else {
        tg_diag_add_help(e->diags, d, "the indices themselves are the axis: write '%s'",
                         axis->name);
    }
    return tg_ev_poison();
}

tg_ev tg_elab_member(tg_elab *e, const tg_expr *x) {
    tg_ev base = tg_elab_expr(e, x->u.member.base);
    tg_name name = x->u.member.name;
    if (base.kind == TG_EV_POISON) {
        return base;
    }
    if (base.kind == TG_EV_AXIS) {
        return axis_member(e, base.sym, x);
    }
    if (base.kind == TG_EV_MODULE) {
        const tg_item *it = tg_module_item(base.module, name, false);
        if (it) {
            return tg_elab_item_value(e, base.module, it, x->span);
        }
        tg_report(e->diags, TG_E0201, x->u.member.name_span, "module %s has no public '%s'",
                  base.module->path, name);
        return tg_ev_poison();
    }
    tg_diag *d = tg_report(e->diags, TG_E0201, x->u.member.name_span, "%s has no member '%s'",
                           tg_elab_ev_text(e, &base), name);
    if (strcmp(name, "shape") == 0 || strcmp(name, "size") == 0) {
        tg_diag_add_help(e->diags, d,
                         "dimensions have names: `in f32 X[M, N]` makes M and N known");
    } else if (strcmp(name, "T") == 0) {
        tg_diag_add_help(e->diags, d,
                         "tiles have no layout: there is nothing to transpose, name the axes");
    } else if (strcmp(name, "to") == 0 || strcmp(name, "astype") == 0) {
        tg_diag_add_help(e->diags, d, "convert by calling the type: f32(x)");
    } else if (tg_builtin_find(name)) {
        tg_diag_add_help(e->diags, d, "functions are called with the value: %s(x)", name);
    }
    return tg_ev_poison();
}
