/* Copies of operations and functions. One map carries old value → new value and old axis → new
 * axis.
 *
 * A binder inside the copied operation binds a fresh axis in the copy (an axis has one binder),
 * unless the caller's map already says what its axis becomes; the types of everything copied
 * follow. */
#include "dsl/ir/ir.h"
#include "dsl/ir/ir_internal.h"

typedef struct cloner {
    tg_func *func;
    tg_map *map;
    bool other_func; /* types must be interned again */
} cloner;

static void *mapped(const cloner *c, const void *old) {
    return tg_map_get(c->map, old);
}

static tg_axis *map_axis(const cloner *c, tg_axis *a) {
    tg_axis *to = mapped(c, a);
    return to ? to : a;
}

static tg_value *map_value(const cloner *c, tg_value *v) {
    tg_value *to = mapped(c, v);
    return to ? to : v;
}

static tg_axis *copy_axis(const cloner *c, const tg_axis *a) {
    tg_axis *copy = tg_func_add_axis(c->func, a->kind, a->name, a->span);
    copy->extent = a->extent;
    copy->block = a->block;
    copy->scheduled = a->scheduled;
    copy->like = a->like ? map_axis(c, a->like) : NULL;
    return copy;
}

static const tg_type *map_type(const cloner *c, const tg_type *t) {
    bool same = !c->other_func;
    for (uint32_t i = 0; i < t->n_axes && same; i++) {
        same = map_axis(c, t->axes[i]) == t->axes[i];
    }
    if (same) {
        return t;
    }
    if (t->kind == TG_TYPE_TENSOR) {
        return tg_type_tensor(c->func, t->dtype, t->rank);
    }
    if (t->n_axes == 0) {
        return tg_type_scalar(c->func, t->dtype);
    }
    tg_axis **axes = TG_NEW_ARRAY(c->func->arena, tg_axis *, t->n_axes);
    for (uint32_t i = 0; i < t->n_axes; i++) {
        axes[i] = map_axis(c, t->axes[i]);
    }
    return tg_type_tile(c->func, t->dtype, axes, t->n_axes);
}

static tg_attr map_attr(const cloner *c, const tg_attr *a) {
    tg_attr copy = *a;
    if (a->kind == TG_AK_STR && c->other_func && a->str) {
        copy.str = tg_arena_printf(c->func->arena, "%s", a->str);
    }
    if (a->n_axes == 0) {
        return copy;
    }
    tg_axis **axes = TG_NEW_ARRAY(c->func->arena, tg_axis *, a->n_axes);
    for (uint32_t i = 0; i < a->n_axes; i++) {
        axes[i] = map_axis(c, a->axes[i]);
    }
    copy.axes = axes;
    return copy;
}

static tg_op *copy_op(const cloner *c, const tg_op *op, tg_block *block, tg_op *before);

static void copy_block(const cloner *c, const tg_block *from, tg_block *to) {
    for (uint32_t i = 0; i < from->n_args; i++) {
        const tg_value *old = from->args[i];
        tg_value *arg = tg_block_add_arg(c->func, to, map_type(c, old->type), old->name);
        tg_map_set(c->map, old, arg);
    }
    for (const tg_op *op = from->first; op; op = op->next) {
        copy_op(c, op, to, NULL);
    }
}

static void bind_fresh_axis(const cloner *c, const tg_op *op) {
    tg_axis *axis = tg_op_axis(op, TG_ATTR_AXIS);
    if (axis && axis->binder == op && !mapped(c, axis)) {
        tg_map_set(c->map, axis, copy_axis(c, axis));
    }
}

static tg_op *copy_op(const cloner *c, const tg_op *op, tg_block *block, tg_op *before) {
    bind_fresh_axis(c, op);
    tg_op *copy = tg_op_new(c->func, op->opcode, op->n_operands, op->n_results, op->n_attrs);
    copy->span = op->span;
    for (uint32_t i = 0; i < op->n_operands; i++) {
        tg_op_set_initial_operand(copy, i, map_value(c, tg_operand(op, i)));
    }
    for (uint32_t i = 0; i < op->n_attrs; i++) {
        tg_op_put_attr(copy, map_attr(c, &op->attrs[i]));
    }
    for (uint32_t i = 0; i < op->n_results; i++) {
        copy->results[i].type = map_type(c, op->results[i].type);
        copy->results[i].name = op->results[i].name;
        tg_map_set(c->map, &op->results[i], &copy->results[i]);
    }
    tg_op_insert(copy, block, before);
    for (uint32_t r = 0; r < op->n_regions; r++) {
        copy_block(c, &op->regions[r].body, &copy->regions[r].body);
    }
    return copy;
}

tg_op *tg_op_clone(tg_builder *b, const tg_op *op, tg_map *map) {
    cloner c = {.func = b->func, .map = map ? map : tg_map_create(b->func->arena)};
    return copy_op(&c, op, b->block, b->before);
}

static void copy_schedule(const cloner *c, const tg_func *from) {
    tg_func *to = c->func;
    for (uint32_t i = 0; i < from->schedule.len; i++) {
        tg_sched_item item = from->schedule.data[i];
        for (uint32_t j = 0; j < item.n_axes; j++) {
            item.axes[j] = map_axis(c, item.axes[j]);
        }
        if (item.n_names) {
            item.names = TG_COPY_ARRAY(to->arena, tg_name, item.names, item.n_names);
        }
        tg_vec_push(to->arena, &to->schedule, item);
    }
}

static void copy_params(const cloner *c, const tg_func *from) {
    for (uint32_t i = 0; i < from->n_params; i++) {
        const tg_fparam *p = &from->params[i];
        tg_value *v = tg_func_add_param(c->func, *p);
        if (v) {
            tg_map_set(c->map, p->value, v);
        }
    }
}

tg_func *tg_func_clone(const tg_func *f, tg_arena *arena, tg_map *map) {
    tg_func *to = tg_func_create(arena, f->names, f->name);
    cloner c = {.func = to, .map = map ? map : tg_map_create(arena), .other_func = true};
    to->fast = f->fast;
    to->block_dependent = f->block_dependent;
    to->nondeterministic = f->nondeterministic;
    to->checked = f->checked;
    for (uint32_t i = 0; i < f->axes.len;
         i++) { /* all of them, in order, so that ranks agree */
        tg_map_set(c.map, f->axes.data[i], copy_axis(&c, f->axes.data[i]));
    }
    copy_params(&c, f);
    for (const tg_op *op = f->body.body.first; op; op = op->next) {
        copy_op(&c, op, &to->body.body, NULL);
    }
    copy_schedule(&c, f);
    return to;
}
