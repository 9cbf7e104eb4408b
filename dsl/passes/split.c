/* split: cuts a reduction into parts that run as instances of their own, then combines them (language.md section 11).
 *
 *   phase { par m { … }                     phase { par s in parts { par m {
 *     %r = for %K, %0, %K, %init {axis=#k}    %p = for %K, s·chunk, (s + 1)·chunk, identity {axis=#k} …
 *     …                                  →    store %temp[s, m], %p
 *     store %Y, %r                          phase { par m { %r = for each s in parts, %init (%acc) { yield %acc op load %temp[s, m] }
 *                                             … store %Y, %r
 *
 * The first phase is a copy of the phase with nothing in it but the reduction and what that needs; the combining loop takes the
 * parts in order, so the result does not depend on who ran when. split_atomic has no axis for the parts: they are added to one
 * filled tensor atomically. A reduction is a loop over blocks that only accumulates, with the loops around it that only repeat that, or each
 * reduce and dot over a full axis.
 * Parts may be empty: they hold the identity.
 *
 * Terminates: every setting is lowered once and makes no new one. */
#include "dsl/ir/scalar_eval.h"
#include "dsl/passes/passes.h"
#include "dsl/passes/rewrite.h"

#include <string.h>

enum { MAX_PARS = 16, MAX_RANK = 8 };

typedef struct split {
    tg_func *f;
    const tg_axis *axis;
    tg_op *phase, *source; /* source: the loop, reduce or dot */
    tg_op *pars[MAX_PARS];
    uint32_t n_pars;
    tg_block *body; /* of the innermost par */
    int64_t parts;
    bool atomic;
} split;

/* One result being cut. */
typedef struct cut {
    tg_opcode op; /* that accumulates it */
    tg_value *temp;
    const tg_type *type;
} cut;

/* ---- what is reduced ---------------------------------------------------------------------------------------- */

/* How result i of the source accumulates. */
static bool accumulation(const tg_op *source, uint32_t i, tg_opcode *out) {
    if (source->opcode == TG_OP_FOR) {
        return tg_loop_accumulation(source, i, out);
    }
    *out = source->opcode == TG_OP_DOT ? TG_OP_ADD : tg_fn_opcode(tg_op_enum(source, TG_ATTR_FN, TG_ENUM_NONE));
    return *out != TG_OP_CONST;
}

/* The named function that repeats `op`. */
static tg_enum fn_of(tg_opcode op) {
    static const tg_enum fns[] = {TG_FN_ADD, TG_FN_MUL, TG_FN_MIN, TG_FN_MAX, TG_FN_AND, TG_FN_OR, TG_FN_XOR};
    for (size_t i = 0; i < sizeof fns / sizeof *fns; i++) {
        if (tg_fn_opcode(fns[i]) == op) {
            return fns[i];
        }
    }
    return TG_ENUM_NONE;
}

/* ---- the nest ------------------------------------------------------------------------------------------------- */

static void find_nest(split *s) {
    s->body = &s->phase->regions[0].body;
    for (tg_op *op = s->body->first; op;) {
        if (op->opcode == TG_OP_PAR && s->n_pars < MAX_PARS) {
            s->pars[s->n_pars++] = op;
            s->body = &op->regions[0].body;
            op = s->body->first;
        } else {
            op = op->next;
        }
    }
}

/* Can the value be computed before the phase? `b` null: only look. */
static tg_value *at_launch(const split *s, tg_builder *b, tg_value *v) {
    const tg_op *op = v->def;
    const tg_op *owner = op ? op : v->block->parent->parent;
    if (!owner || !(owner == s->phase || rewrite_is_inside(owner, s->phase))) {
        return v;
    }
    bool fact = op && op->opcode >= TG_OP_AXIS_FIRST && op->opcode <= TG_OP_AXIS_COUNT;
    if (!op || op->n_regions || fact || op->opcode == TG_OP_LOAD || !rewrite_is_pure(op) ||
        v->type->n_axes) {
        return NULL;
    }
    tg_map *map = b ? tg_map_create(s->f->arena) : NULL;
    for (uint32_t i = 0; i < op->n_operands; i++) {
        tg_value *copy = at_launch(s, b, tg_operand(op, i));
        if (!copy) {
            return NULL;
        }
        if (b) {
            tg_map_set(map, tg_operand(op, i), copy);
        }
    }
    return b ? tg_result(tg_op_clone(b, op, map), v->index) : v;
}

/* ---- what stands against it ---------------------------------------------------------------------------------------- */

static bool has_effect(const tg_op *op) {
    tg_effect e = tg_op_info_of(op->opcode)->effect;
    if (e == TG_EFF_WRITE || e == TG_EFF_ATOMIC || e == TG_EFF_IO) {
        return true;
    }
    for (uint32_t r = 0; r < op->n_regions; r++) {
        for (const tg_op *k = op->regions[r].body.first; k; k = k->next) {
            if (has_effect(k)) {
                return true;
            }
        }
    }
    return false;
}

static bool reads_written(rewrite_writes *w, tg_op *phase, const tg_op *op) {
    if (op->opcode == TG_OP_LOAD && rewrite_is_written(w, phase, tg_operand(op, 0))) {
        return true;
    }
    for (uint32_t r = 0; r < op->n_regions; r++) {
        for (const tg_op *k = op->regions[r].body.first; k; k = k->next) {
            if (reads_written(w, phase, k)) {
                return true;
            }
        }
    }
    return false;
}

/* Asks for the axis's blocks or size, which differ in a part. */
static bool asks_for_blocks(const tg_op *op, const tg_axis *axis) {
    if (op->opcode >= TG_OP_AXIS_FIRST && op->opcode <= TG_OP_AXIS_COUNT &&
        tg_op_axis(op, TG_ATTR_AXIS) == axis) {
        return true;
    }
    for (uint32_t r = 0; r < op->n_regions; r++) {
        for (const tg_op *k = op->regions[r].body.first; k; k = k->next) {
            if (asks_for_blocks(k, axis)) {
                return true;
            }
        }
    }
    return false;
}

static const char *body_refusal(const split *s) {
    rewrite_writes w;
    rewrite_writes_init(&w, s->f);
    for (const tg_op *op = s->body->first; op; op = op->next) {
        if (reads_written(&w, s->phase, op)) {
            return "it reads a tensor that the same grid writes";
        }
        if (asks_for_blocks(op, s->axis)) {
            return "the grid asks for the blocks or the size of the axis";
        }
        if (op == s->source) {
            return has_effect(op) ? "its loops store" : NULL;
        }
        if (has_effect(op) && op->n_results) {
            return "a value before it comes from code with effects";
        }
    }
    return "it stands inside another loop or condition";
}

static const char *result_refusal(const split *s, uint32_t i) {
    const tg_type *t = tg_result(s->source, i)->type;
    tg_opcode op;
    if (!accumulation(s->source, i, &op)) {
        return "it is no sum, product, minimum, maximum or bitwise operation";
    }
    if (s->atomic && !tg_atomic_fits(fn_of(op), t->dtype)) {
        return op == TG_OP_MUL ? "there is no atomic product"
                               : "there are no atomic operations on its type";
    }
    if (tg_dtype_kind_of(t->dtype) == TG_KIND_COMPLEX && op != TG_OP_ADD) {
        return "of complex numbers only sums can be cut";
    }
    uint32_t rank = !s->atomic + t->n_axes;
    for (uint32_t k = 0; k < s->n_pars; k++) {
        bool each = tg_op_is_each(s->pars[k]);
        rank += each;
        if (!each && !tg_type_has_axis(t, tg_op_axis(s->pars[k], TG_ATTR_AXIS))) {
            return "its result does not span every axis of the grid";
        }
        if (!at_launch(s, NULL, tg_operand(s->pars[k], 0))) {
            return "an extent of the grid is not known at launch";
        }
    }
    for (uint32_t k = 0; k < t->n_axes; k++) {
        const tg_op *binder = t->axes[k]->binder;
        if (!binder || !at_launch(s, NULL, tg_operand(binder, 0))) {
            return "an extent of its result is not known at launch";
        }
    }
    return rank > MAX_RANK ? "its parts would need a tensor of more than 8 dimensions" : NULL;
}

/* Fills *s for one source; null if it can be cut. */
static const char *prepare(tg_func *f, const tg_sched_item *item, tg_op *source, split *s) {
    *s = (split){.f = f, .axis = item->axes[0], .source = source, .parts = item->integer};
    s->atomic = strcmp(item->key, "split_atomic") == 0;
    s->phase = rewrite_phase_of(source);
    if (!s->phase || s->phase->opcode != TG_OP_PHASE) {
        return "it is not inside a grid";
    }
    if (f->block_dependent) {
        return "the kernel's meaning depends on its blocks";
    }
    find_nest(s);
    const char *why = source->n_results ? body_refusal(s) : "nothing is accumulated in it";
    for (uint32_t i = 0; i < source->n_results && !why; i++) {
        why = result_refusal(s, i);
    }
    return why;
}

/* ---- parts --------------------------------------------------------------------------------------------------------- */

static tg_value *neutral(tg_builder *b, tg_opcode op, const tg_type *type) {
    return tg_build_scalar(b, tg_scalar_identity(fn_of(op), type->dtype));
}

/* Of a part. -0 changes no sum, not even that of -0 alone. */
static tg_value *identity(tg_builder *b, tg_opcode op, const tg_type *type) {
    tg_dtype real = tg_dtype_real(type->dtype);
    return op == TG_OP_ADD && tg_dtype_is_float(real) ? tg_build_cast(b, tg_build_float(b, real, -0.0), type->dtype)
                                                      : neutral(b, op, type);
}

/* Before the phase: room for the parts, [part,] each scalars and axes of the grid, other axes. */
static tg_value *make_temp(const split *s, tg_builder *b, const cut *c) {
    tg_value *extents[MAX_RANK];
    uint32_t n = 0;
    if (!s->atomic) {
        extents[n++] = tg_build_int(b, TG_I64, s->parts);
    }
    for (uint32_t i = 0; i < s->n_pars; i++) {
        if (tg_op_is_each(s->pars[i])) {
            extents[n++] = at_launch(s, b, tg_operand(s->pars[i], 0));
        }
    }
    for (uint32_t i = 0; i < c->type->n_axes; i++) {
        extents[n++] = at_launch(s, b, tg_operand(c->type->axes[i]->binder, 0));
    }
    const tg_type *type = tg_type_tensor(s->f, c->type->dtype, n);
    tg_value *temp = tg_result(tg_build_op(b, TG_OP_TEMP, extents, n, &type, 1, NULL, 0), 0);
    temp->name = tg_intern_cstr(s->f->names, "parts");
    if (s->atomic) {
        tg_value *fill[] = {temp, identity(b, c->op, tg_type_scalar(s->f, c->type->dtype))};
        tg_build_op(b, TG_OP_FILL, fill, 2, NULL, 0, NULL, 0);
    }
    return temp;
}

/* Indices of a result in its temp; `map`: to the copied phase, or null. */
static uint32_t indices(const split *s, tg_builder *b, const cut *c, tg_value *part,
                        tg_map *map, tg_value **out) {
    uint32_t n = 0;
    if (part) {
        out[n++] = part;
    }
    for (uint32_t i = 0; i < s->n_pars; i++) {
        if (tg_op_is_each(s->pars[i])) {
            tg_value *v = s->pars[i]->regions[0].body.args[0];
            out[n++] = map ? tg_map_get(map, v) : v;
        }
    }
    for (uint32_t i = 0; i < c->type->n_axes; i++) {
        tg_axis *a = c->type->axes[i], *copy = map ? tg_map_get(map, a) : NULL;
        out[n++] = tg_build_iota(b, copy ? copy : a);
    }
    return n;
}

/* The domain of a binder becomes that of one part. */
static void restrict_domain(const split *s, tg_op *binder, tg_value *part) {
    tg_builder b = rewrite_builder(s->f, binder);
    tg_value *zero = tg_build_int(&b, TG_I64, 0), *n = tg_build_int(&b, TG_I64, s->parts);
    tg_value *lo = tg_build_binary(&b, TG_OP_MAX, zero, tg_operand(binder, 1));
    tg_value *hi = tg_build_binary(&b, TG_OP_MIN, tg_operand(binder, 0), tg_operand(binder, 2));
    tg_value *length =
        tg_build_binary(&b, TG_OP_MAX, zero, tg_build_binary(&b, TG_OP_SUB, hi, lo));
    tg_value *more =
        tg_build_binary(&b, TG_OP_ADD, length, tg_build_int(&b, TG_I64, s->parts - 1));
    tg_value *chunk = tg_build_binary(&b, TG_OP_DIV, more, n);
    tg_value *from =
        tg_build_binary(&b, TG_OP_ADD, lo, tg_build_binary(&b, TG_OP_MUL, part, chunk));
    tg_value *until =
        tg_build_binary(&b, TG_OP_MIN, hi, tg_build_binary(&b, TG_OP_ADD, from, chunk));
    tg_set_operand(binder, 1, from);
    tg_set_operand(binder, 2, until);
    tg_op_axis(binder, TG_ATTR_AXIS)->extent = -1;
}

/* The copied source starts from identities. */
static void start_from_identity(const split *s, tg_op *source, const cut *cuts) {
    tg_builder b = rewrite_builder(s->f, source);
    uint32_t first = source->opcode == TG_OP_FOR ? TG_FOR_CARRIED : 2;
    for (uint32_t i = first; i < source->n_operands; i++) {
        const tg_type *type = tg_operand(source, i)->type;
        tg_set_operand(source, i,
                       tg_build_broadcast(&b, identity(&b, cuts[i - first].op, type), type));
    }
}

static void keep_only(tg_block *body, tg_op *source) {
    while (body->last != source) {
        tg_op_erase(body->last);
    }
    for (tg_op *op = source->prev; op;) {
        tg_op *before = op->prev;
        if (has_effect(op)) {
            tg_op_erase(op);
        }
        op = before;
    }
}

static void store_part(const split *s, tg_builder *b, const cut *c, tg_value *value,
                       tg_value *part, tg_map *map) {
    tg_value *index[MAX_RANK + 2];
    uint32_t n = indices(s, b, c, s->atomic ? NULL : part, map, index + 2);
    if (!s->atomic) {
        tg_build_store(b, c->temp, value, index + 2, n, NULL);
        return;
    }
    index[0] = c->temp;
    index[1] = value;
    const tg_type *types[MAX_RANK + 1] = {value->type};
    for (uint32_t i = 0; i < n; i++) {
        types[i + 1] = index[i + 2]->type;
    }
    const tg_type *old = tg_type_union(s->f, value->type->dtype, types, n + 1);
    tg_attr fn = tg_attr_enum(TG_ATTR_FN, fn_of(c->op));
    tg_build_op(b, TG_OP_ATOMIC, index, n + 2, &old, 1, &fn, 1);
    s->f->nondeterministic = s->f->nondeterministic || tg_dtype_is_float(value->type->dtype);
}

/* What a schedule says of the axes holds for their copies. */
static void copy_schedule(const split *s, tg_map *map) {
    for (uint32_t i = 0, n = s->f->schedule.len; i < n; i++) {
        tg_sched_item item = s->f->schedule.data[i];
        tg_axis *copy = item.n_axes == 1 ? tg_map_get(map, item.axes[0]) : NULL;
        if (copy && strncmp(item.key, "split", 5) != 0) {
            item.axes[0] = copy;
            tg_vec_push(s->f->arena, &s->f->schedule, item);
        }
    }
}

static void build_parts(const split *s, const cut *cuts) {
    tg_builder b = rewrite_builder(s->f, s->phase);
    const char *name = tg_op_str(s->phase, TG_ATTR_NAME);
    tg_attr label =
        tg_attr_str(TG_ATTR_NAME, tg_arena_printf(s->f->arena, "%s.parts", name ? name : ""));
    tg_value *zero = tg_build_int(&b, TG_I64, 0), *n = tg_build_int(&b, TG_I64, s->parts);
    tg_op *phase = tg_build_op(&b, TG_OP_PHASE, NULL, 0, NULL, 0, &label, 1);
    b.block = &phase->regions[0].body;
    b.before = NULL;
    tg_value *domain[] = {n, zero, n};
    tg_op *par = tg_build_op(&b, TG_OP_PAR, domain, 3, NULL, 0, NULL, 0);
    tg_value *part =
        tg_block_add_arg(s->f, &par->regions[0].body, tg_type_scalar(s->f, TG_I64), NULL);
    b.block = &par->regions[0].body;
    tg_map *map = tg_map_create(s->f->arena);
    for (const tg_op *op = s->phase->regions[0].body.first; op; op = op->next) {
        tg_op_clone(&b, op, map);
    }
    tg_op *source = ((tg_value *)tg_map_get(map, tg_result(s->source, 0)))->def;
    tg_axis *axis = tg_map_get(map, s->axis);
    copy_schedule(s, map);
    keep_only(source->parent, source);
    start_from_identity(s, source, cuts);
    restrict_domain(s, axis->binder, part);
    b.block = source->parent;
    b.before = NULL;
    for (uint32_t i = 0; i < source->n_results; i++) {
        store_part(s, &b, &cuts[i], tg_result(source, i), part, map);
    }
}

/* ---- combining -------------------------------------------------------------------------------------------------------- */

static tg_value *start_of(const split *s, tg_builder *b, uint32_t i, const cut *c) {
    uint32_t first = s->source->opcode == TG_OP_FOR ? TG_FOR_CARRIED : 2;
    if (first + i < s->source->n_operands && s->source->opcode != TG_OP_REDUCE) {
        return tg_build_broadcast(b, tg_operand(s->source, first + i), c->type);
    }
    return tg_build_broadcast(b, neutral(b, c->op, c->type),
                              c->type); /* an empty sum is +0 */
}

static tg_value *load_part(const split *s, tg_builder *b, const cut *c, tg_value *part) {
    tg_value *index[MAX_RANK];
    uint32_t n = indices(s, b, c, part, NULL, index);
    return tg_build_load(b, c->temp, index, n, NULL);
}

static void combine_in_order(const split *s, const cut *cuts) {
    uint32_t n = s->source->n_results;
    tg_builder b = rewrite_builder(s->f, s->source);
    tg_value **operands = TG_NEW_ARRAY(s->f->arena, tg_value *, n + TG_FOR_CARRIED),
             **next = TG_NEW_ARRAY(s->f->arena, tg_value *, n);
    const tg_type **types = TG_NEW_ARRAY(s->f->arena, const tg_type *, n);
    operands[0] = operands[2] = tg_build_int(&b, TG_I64, s->parts);
    operands[1] = tg_build_int(&b, TG_I64, 0);
    for (uint32_t i = 0; i < n; i++) {
        operands[TG_FOR_CARRIED + i] = start_of(s, &b, i, &cuts[i]);
        types[i] = cuts[i].type;
    }
    tg_op *loop = tg_build_op(&b, TG_OP_FOR, operands, n + TG_FOR_CARRIED, types, n, NULL, 0);
    b.block = &loop->regions[0].body;
    b.before = NULL;
    tg_value *part = tg_block_add_arg(s->f, b.block, tg_type_scalar(s->f, TG_I64), NULL);
    for (uint32_t i = 0; i < n; i++) {
        tg_block_add_arg(s->f, b.block, types[i], NULL);
    }
    for (uint32_t i = 0; i < n; i++) {
        next[i] = tg_build_binary(&b, cuts[i].op, b.block->args[1 + i],
                                  load_part(s, &b, &cuts[i], part));
    }
    tg_build_yield(&b, next, n);
    for (uint32_t i = 0; i < n; i++) {
        tg_replace_uses(tg_result(s->source, i), tg_result(loop, i));
    }
}

static void combine_atomic(const split *s, const cut *cuts) {
    tg_builder b = rewrite_builder(s->f, s->source);
    for (uint32_t i = 0; i < s->source->n_results; i++) {
        tg_value *start = start_of(s, &b, i, &cuts[i]);
        tg_replace_uses(
            tg_result(s->source, i),
            tg_build_binary(&b, cuts[i].op, start, load_part(s, &b, &cuts[i], NULL)));
    }
}

static void lower(const split *s) {
    cut *cuts = TG_NEW_ARRAY(s->f->arena, cut, s->source->n_results);
    tg_builder b = rewrite_builder(s->f, s->phase);
    for (uint32_t i = 0; i < s->source->n_results; i++) {
        cuts[i].type = tg_result(s->source, i)->type;
        accumulation(s->source, i, &cuts[i].op);
        cuts[i].temp = make_temp(s, &b, &cuts[i]);
    }
    build_parts(s, cuts);
    if (s->atomic) {
        combine_atomic(s, cuts);
    } else {
        combine_in_order(s, cuts);
    }
    tg_op_erase(s->source);
}

/* ---- settings ------------------------------------------------------------------------------------------------------------ */

typedef struct sources {
    tg_func *f;
    const tg_axis *axis;
    TG_VEC(tg_op *) list;
    bool other; /* something reduces over the axis in another way */
} sources;

static void add_source(tg_op *op, void *user) {
    sources *s = user;
    bool known = op->opcode == TG_OP_REDUCE || op->opcode == TG_OP_DOT;
    bool scans = (op->opcode == TG_OP_SCAN || op->opcode == TG_OP_SCAN_FN) &&
                 tg_op_axis(op, TG_ATTR_AXIS) == s->axis;
    if (tg_op_reduces_over(op, s->axis) && known) {
        tg_vec_push(s->f->arena, &s->list, op);
    } else {
        s->other = s->other || scans || tg_op_reduces_over(op, s->axis);
    }
}

static tg_op *loop_around(const tg_op *loop) {
    tg_op *owner = loop->parent->parent->parent;
    return owner && owner->opcode == TG_OP_FOR ? owner : NULL;
}

/* A nest of loops is cut as one: the copy runs it whole, with one of its domains restricted. */
static tg_op *outermost_loop(tg_op *loop) {
    tg_op *owner = loop_around(loop);
    return owner ? outermost_loop(owner) : loop;
}

static const tg_value *without_broadcasts(const tg_value *v) {
    while (v->def && v->def->opcode == TG_OP_BROADCAST) {
        v = tg_operand(v->def, 0);
    }
    return v;
}

/* Does the outer loop do nothing to its carried values but hand each to the inner loop and take it from there? What it added itself
 * would be added once in each part. */
static bool passes_on(const tg_op *outer, const tg_op *inner) {
    const tg_block *body = &outer->regions[0].body;
    uint32_t first = tg_region_first_carried(outer), n_domain = inner->n_operands - inner->n_results;
    for (uint32_t i = 0; i < outer->n_results; i++) {
        const tg_value *v = without_broadcasts(tg_operand(body->last, i));
        if (v->def != inner ||
            without_broadcasts(tg_operand(inner, n_domain + v->index)) != body->args[first + i]) {
            return false;
        }
    }
    return outer->n_results == inner->n_results;
}

/* Null if the loops around `loop` accumulate what it does and nothing else. */
static const char *nest_refusal(const tg_op *loop) {
    const tg_op *outer = loop_around(loop);
    return !outer                  ? NULL
           : passes_on(outer, loop) ? nest_refusal(outer)
                                    : "a loop around it accumulates something else";
}

static sources find_sources(tg_func *f, tg_axis *axis) {
    sources s = {.f = f, .axis = axis};
    if (axis->kind == TG_AXIS_LOOP && axis->binder) {
        tg_vec_push(f->arena, &s.list, outermost_loop(axis->binder));
    } else {
        tg_ir_walk(f, add_source, &s);
    }
    return s;
}

static bool is_split(const tg_sched_item *item) {
    return strncmp(item->key, "split", 5) == 0 && item->n_axes == 1 && item->integer > 1;
}

/* The same reduction twice would be cut twice. */
static bool is_double(const tg_func *f, uint32_t at) {
    for (uint32_t i = 0; i < at; i++) {
        if (is_split(&f->schedule.data[i]) &&
            f->schedule.data[i].axes[0] == f->schedule.data[at].axes[0]) {
            return true;
        }
    }
    return false;
}

static const char *refusal_of(tg_func *f, uint32_t at) {
    const tg_sched_item *item = &f->schedule.data[at];
    sources list = find_sources(f, item->axes[0]);
    const char *why = is_double(f, at) ? "the axis is cut twice"
                      : list.other     ? "a scan or a reduction of one's own runs along it"
                     : item->axes[0]->kind == TG_AXIS_LOOP && item->axes[0]->binder
                         ? nest_refusal(item->axes[0]->binder)
                         : NULL;
    for (uint32_t i = 0; i < list.list.len && !why; i++) {
        split s;
        why = prepare(f, item, list.list.data[i], &s);
    }
    return why;
}

const char *tg_split_refusal(tg_func *f) {
    for (uint32_t i = 0; i < f->schedule.len; i++) {
        const tg_sched_item *item = &f->schedule.data[i];
        const char *why = is_split(item) ? refusal_of(f, i) : NULL;
        if (why) {
            return tg_arena_printf(f->arena, "%s(%s): %s", item->key, item->axes[0]->name, why);
        }
    }
    return NULL;
}

bool tg_pass_split(tg_func *f) {
    bool changed = false;
    for (uint32_t i = 0; i < f->schedule.len; i++) {
        const tg_sched_item item = f->schedule.data[i]; /* a copy: the list grows */
        if (!is_split(&item) || refusal_of(f, i)) {
            continue;
        }
        sources list = find_sources(f, item.axes[0]);
        for (uint32_t k = 0; k < list.list.len; k++) {
            split s;
            if (!prepare(f, &item, list.list.data[k], &s)) {
                lower(&s);
                changed = true;
            }
        }
        f->schedule.data[i].integer = 1; /* done: a second run finds nothing to do */
    }
    return changed;
}
