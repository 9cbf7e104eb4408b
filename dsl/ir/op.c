/* Functions, operations, attributes and rewriting. An operation is one allocation: the struct
 * followed by its operands, results, regions and attributes. Use lists are intrusive and unlink
 * in O(1). Erased operations are unlinked and flagged, never freed: pointers to them stay
 * readable. */
#include "dsl/ir/ir.h"
#include "dsl/ir/ir_internal.h"

#include <string.h>

/* ---- functions -------------------------------------------------------------------------- */

tg_func *tg_func_create(tg_arena *arena, tg_interner *names, tg_name name) {
    tg_func *f = TG_NEW(arena, tg_func);
    f->arena = arena;
    f->names = names;
    f->name = name;
    f->body.body.parent = &f->body;
    return f;
}

static const tg_type *param_type(tg_func *f, const tg_fparam *p) {
    switch (p->kind) {
    case TG_FP_SCALAR:
        return tg_type_scalar(f, p->dtype);
    case TG_FP_PTR:
        return tg_type_scalar(f, TG_U64);
    case TG_FP_IN:
    case TG_FP_OUT:
    case TG_FP_INOUT:
        break;
    }
    return tg_type_tensor(f, p->dtype, p->rank);
}

/* Arrays that grow by one and have no capacity field double at powers of two. */
static void *grow_by_one(tg_arena *arena, void *data, uint32_t n, size_t size, size_t align) {
    if (n != 0 && (n & (n - 1)) != 0) {
        return data;
    }
    void *bigger = tg_arena_alloc(arena, size * (n ? 2u * n : 1u), align);
    if (n) {
        memcpy(bigger, data, size * n);
    }
    return bigger;
}

tg_value *tg_func_add_param(tg_func *f, tg_fparam param) {
    f->params =
        grow_by_one(f->arena, f->params, f->n_params, sizeof *f->params, _Alignof(tg_fparam));
    tg_fparam *p = &f->params[f->n_params++];
    *p = param;
    p->value = NULL;
    if (!p->absent && !p->is_const) {
        p->value = tg_block_add_arg(f, &f->body.body, param_type(f, p), p->name);
    }
    return p->value;
}

tg_axis *tg_func_add_axis(tg_func *f, tg_axis_kind kind, tg_name name, tg_span span) {
    tg_axis *a = TG_NEW(f->arena, tg_axis);
    a->name = name;
    a->kind = kind;
    a->rank = (uint16_t)f->axes.len;
    a->extent = -1;
    a->span = span;
    tg_vec_push(f->arena, &f->axes, a);
    return a;
}

tg_value *tg_block_add_arg(tg_func *f, tg_block *block, const tg_type *type, tg_name name) {
    block->args = grow_by_one(f->arena, block->args, block->n_args, sizeof *block->args,
                              _Alignof(tg_value *));
    tg_value *v = TG_NEW(f->arena, tg_value);
    v->type = type;
    v->block = block;
    v->index = block->n_args;
    v->id = f->next_value_id++;
    v->name = name;
    block->args[block->n_args++] = v;
    return v;
}

/* ---- operations ------------------------------------------------------------------------- */

static void link_use(tg_use *use, tg_value *v, tg_op *user) {
    use->value = v;
    use->user = user;
    use->next = v->uses;
    use->link = &v->uses;
    if (v->uses) {
        v->uses->link = &use->next;
    }
    v->uses = use;
}

static void unlink_use(tg_use *use) {
    if (!use->link) {
        return;
    }
    *use->link = use->next;
    if (use->next) {
        use->next->link = use->link;
    }
    use->next = NULL;
    use->link = NULL;
    use->value = NULL;
}

static size_t round_up(size_t n, size_t align) {
    return (n + align - 1) / align * align;
}

tg_op *tg_op_new(tg_func *f, tg_opcode opcode, uint32_t n_operands, uint32_t n_results,
                 uint32_t n_attrs) {
    uint32_t n_regions = tg_op_info_of(opcode)->n_regions;
    size_t operands_at = round_up(sizeof(tg_op), 16);
    size_t results_at = round_up(operands_at + n_operands * sizeof(tg_use), 16);
    size_t regions_at = round_up(results_at + n_results * sizeof(tg_value), 16);
    size_t attrs_at = round_up(regions_at + n_regions * sizeof(tg_region), 16);
    char *mem = tg_arena_alloc(f->arena, attrs_at + n_attrs * sizeof(tg_attr), 16);
    tg_op *op = (void *)mem;
    op->opcode = opcode;
    op->n_operands = (uint16_t)n_operands;
    op->n_results = (uint16_t)n_results;
    op->n_regions = (uint16_t)n_regions;
    op->id = f->next_op_id++;
    op->operands = (void *)(mem + operands_at);
    op->results = (void *)(mem + results_at);
    op->regions = (void *)(mem + regions_at);
    op->attrs = (void *)(mem + attrs_at);
    for (uint32_t i = 0; i < n_regions; i++) {
        op->regions[i].parent = op;
        op->regions[i].body.parent = &op->regions[i];
    }
    for (uint32_t i = 0; i < n_results; i++) {
        op->results[i].def = op;
        op->results[i].index = i;
        op->results[i].id = f->next_value_id++;
    }
    return op;
}

void tg_op_set_initial_operand(tg_op *op, uint32_t i, tg_value *v) {
    link_use(&op->operands[i], v, op);
}

void tg_op_insert(tg_op *op, tg_block *block, tg_op *before) {
    op->parent = block;
    op->next = before;
    op->prev = before ? before->prev : block->last;
    *(op->prev ? &op->prev->next : &block->first) = op;
    *(before ? &before->prev : &block->last) = op;
}

static void unlink_op(tg_op *op) {
    tg_block *block = op->parent;
    *(op->prev ? &op->prev->next : &block->first) = op->next;
    *(op->next ? &op->next->prev : &block->last) = op->prev;
    op->prev = op->next = NULL;
    op->parent = NULL;
}

/* Inserts in key order; the first rows of an op are built in that order, so this is mostly
 * an append. */
void tg_op_put_attr(tg_op *op, tg_attr attr) {
    uint32_t at = op->n_attrs;
    while (at > 0 && op->attrs[at - 1].key > attr.key) {
        op->attrs[at] = op->attrs[at - 1];
        at--;
    }
    op->attrs[at] = attr;
    op->n_attrs++;
    bool binds = op->opcode == TG_OP_PAR || op->opcode == TG_OP_FOR || op->opcode == TG_OP_AXIS;
    if (attr.key == TG_ATTR_AXIS && binds) {
        attr.axes[0]->binder = op;
    }
}

void tg_op_set_attr(tg_func *f, tg_op *op, tg_attr attr) {
    tg_op_remove_attr(op, attr.key);
    tg_attr *grown = TG_NEW_ARRAY(f->arena, tg_attr, op->n_attrs + 1u);
    if (op->n_attrs) {
        memcpy(grown, op->attrs, op->n_attrs * sizeof *grown);
    }
    op->attrs = grown;
    tg_op_put_attr(op, attr);
}

void tg_op_remove_attr(tg_op *op, tg_attr_key key) {
    uint32_t m = 0;
    for (uint32_t i = 0; i < op->n_attrs; i++) {
        if (op->attrs[i].key != key) {
            op->attrs[m++] = op->attrs[i];
        }
    }
    op->n_attrs = (uint16_t)m;
}

/* ---- access ----------------------------------------------------------------------------- */

const tg_attr *tg_op_attr(const tg_op *op, tg_attr_key key) {
    for (uint32_t i = 0; i < op->n_attrs; i++) {
        if (op->attrs[i].key == key) {
            return &op->attrs[i];
        }
    }
    return NULL;
}

int64_t tg_op_int(const tg_op *op, tg_attr_key key, int64_t otherwise) {
    const tg_attr *a = tg_op_attr(op, key);
    return a ? a->i : otherwise;
}

tg_axis *tg_op_axis(const tg_op *op, tg_attr_key key) {
    const tg_attr *a = tg_op_attr(op, key);
    return a && a->kind == TG_AK_AXIS ? a->axes[0] : NULL;
}

bool tg_op_reduces_over(const tg_op *op, const tg_axis *axis) {
    const tg_attr *over = tg_op_attr(op, TG_ATTR_OVER);
    return over && tg_axes_contain(over->axes, over->n_axes, axis);
}

tg_enum tg_op_enum(const tg_op *op, tg_attr_key key, tg_enum otherwise) {
    const tg_attr *a = tg_op_attr(op, key);
    return a ? (tg_enum)a->i : otherwise;
}

bool tg_op_flag(const tg_op *op, tg_attr_key key) {
    return tg_op_attr(op, key) != NULL;
}

const char *tg_op_str(const tg_op *op, tg_attr_key key) {
    const tg_attr *a = tg_op_attr(op, key);
    return a ? a->str : NULL;
}

bool tg_value_const_int(const tg_value *v, int64_t *out) {
    if (!v || !v->def || v->def->opcode != TG_OP_CONST) {
        return false;
    }
    const tg_attr *a = tg_op_attr(v->def, TG_ATTR_VALUE);
    if (!a || a->kind != TG_AK_INT ||
        !(tg_dtype_is_int(v->type->dtype) || v->type->dtype == TG_BOOL)) {
        return false;
    }
    *out = a->i;
    return true;
}

bool tg_value_const_float(const tg_value *v, double *out) {
    if (!v || !v->def || v->def->opcode != TG_OP_CONST || !tg_dtype_is_float(v->type->dtype)) {
        return false;
    }
    const tg_attr *a = tg_op_attr(v->def, TG_ATTR_VALUE);
    if (!a) {
        return false;
    }
    *out = a->kind == TG_AK_INT ? (double)a->i : a->f;
    return true;
}

uint32_t tg_op_n_indices(const tg_op *op) {
    return op->n_operands ? tg_operand(op, 0)->type->rank : 0;
}

/* LOAD: x, indices; STORE and ATOMIC: x, value, indices; CAS: x, expected, desired, indices */
static uint32_t first_index(const tg_op *op) {
    return op->opcode == TG_OP_LOAD ? 1 : op->opcode == TG_OP_CAS ? 3 : 2;
}

tg_value *tg_op_index(const tg_op *op, uint32_t d) {
    return tg_operand(op, first_index(op) + d);
}

tg_value *tg_op_else(const tg_op *op) {
    if (op->opcode == TG_OP_REINDEX) {
        return tg_op_flag(op, TG_ATTR_ELSE) ? tg_operand(op, op->n_operands - 1u) : NULL;
    }
    uint32_t at = 1 + tg_op_n_indices(op);
    return op->opcode == TG_OP_LOAD && op->n_operands > at ? tg_operand(op, at) : NULL;
}

tg_value *tg_op_guard(const tg_op *op) {
    uint32_t at = 2 + tg_op_n_indices(op);
    bool has = op->opcode == TG_OP_STORE || op->opcode == TG_OP_ATOMIC;
    return has && op->n_operands > at ? tg_operand(op, at) : NULL;
}

bool tg_op_is_terminator(const tg_op *op) {
    return op->opcode == TG_OP_YIELD || op->opcode == TG_OP_CONDITION;
}

bool tg_op_is_each(const tg_op *op) {
    return (op->opcode == TG_OP_PAR || op->opcode == TG_OP_FOR) &&
           !tg_op_axis(op, TG_ATTR_AXIS);
}

uint32_t tg_region_first_carried(const tg_op *op) {
    return tg_op_is_each(op) ? 1 : 0;
}

/* ---- rewriting -------------------------------------------------------------------------- */

void tg_set_operand(tg_op *op, uint32_t i, tg_value *v) {
    unlink_use(&op->operands[i]);
    link_use(&op->operands[i], v, op);
}

void tg_replace_uses(tg_value *old, tg_value *with) {
    if (old == with) {
        return;
    }
    while (old->uses) {
        tg_use *use = old->uses;
        tg_op *user = use->user;
        unlink_use(use);
        link_use(use, with, user);
    }
}

static void drop_operands(tg_op *op) {
    for (uint32_t i = 0; i < op->n_operands; i++) {
        unlink_use(&op->operands[i]);
    }
    op->n_operands = 0;
    op->erased = true;
    for (uint32_t r = 0; r < op->n_regions; r++) {
        for (tg_op *inner = op->regions[r].body.first; inner; inner = inner->next) {
            drop_operands(inner);
        }
    }
}

void tg_op_erase(tg_op *op) {
    drop_operands(op);
    unlink_op(op);
}

void tg_op_move_before(tg_op *op, tg_op *where) {
    if (op == where) {
        return;
    }
    unlink_op(op);
    tg_op_insert(op, where->parent, where);
}

bool tg_value_has_uses(const tg_value *v) {
    return v->uses != NULL;
}

/* ---- walk ------------------------------------------------------------------------------- */

static void walk_block(tg_block *block, tg_walk_fn fn, void *user) {
    for (tg_op *op = block->first, *next; op; op = next) {
        next = op->next;
        fn(op, user);
        if (op->erased) {
            continue;
        }
        for (uint32_t r = 0; r < op->n_regions; r++) {
            walk_block(&op->regions[r].body, fn, user);
        }
    }
}

void tg_ir_walk(tg_func *f, tg_walk_fn fn, void *user) {
    walk_block(&f->body.body, fn, user);
}

void tg_ir_walk_region(tg_region *r, tg_walk_fn fn, void *user) {
    walk_block(&r->body, fn, user);
}
