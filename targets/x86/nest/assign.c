/* Partial assignment (REINDEX_SET): x[n = e] = v.
 *
 * Assignments that follow one another without anything between them that has effects form a *chain*: they run over the same
 * points in one nest, into one buffer, and what they share is computed once. This is how a pass of an FFT is written:
 *
 *   y[n = q + s * p] = y0;  y[n = q + s * (p + m)] = y1;  …
 *
 * A chain *covers* the tile if it writes every element once, which is decided by counting: extents are constants. Then the
 * tile before the chain is not copied, and a store of the whole tile that follows is done part by part, without a buffer. */
#include "dsl/ir/range.h"
#include "targets/x86/dot/dot.h"
#include "targets/x86/memory/memory.h"
#include "targets/x86/nest/nest.h"

enum { MAX_COVERED = 1 << 17 };

bool tg_x86_is_set(const tg_op *op) {
    return op && op->opcode == TG_OP_REINDEX_SET;
}

/* Ops that may stand between two assignments of a chain: they are computed before it, or in it. */
static bool is_calm(const tg_op *op) {
    if (op->opcode == TG_OP_LOAD || op->opcode == TG_OP_AXIS) {
        return true;
    }
    bool scalar_region = op->opcode == TG_OP_MAP || op->opcode == TG_OP_ASM;
    return tg_op_info_of(op->opcode)->effect == TG_EFF_NONE && (op->n_regions == 0 || scalar_region) && !tg_x86_is_set(op) &&
           (tg_op_is_elementwise(op->opcode) || op->opcode == TG_OP_REINDEX || scalar_region);
}

static bool one_use(const tg_value *v) {
    return v->uses && !v->uses->next;
}

/* Axes of the points that an assignment writes, beyond which two of a chain may not differ. */
static bool same_indices(const tg_op *a, const tg_op *b) {
    const tg_attr *p = tg_op_attr(a, TG_ATTR_AXES), *q = tg_op_attr(b, TG_ATTR_AXES);
    bool same = p->n_axes == q->n_axes;
    for (uint32_t i = 0; same && i < p->n_axes; i++) {
        same = p->axes[i] == q->axes[i] && tg_operand(a, 2 + i)->type == tg_operand(b, 2 + i)->type;
    }
    return same;
}

/* ---- coverage ------------------------------------------------------------------------------------------------ */

/* V of an axis whose domain is constant and starts at 0; 0 if it is not. */
static int64_t constant_extent(const tg_axis *a) {
    int64_t from, until, extent;
    while (a->like) {
        a = a->like;
    }
    const tg_op *op = a->binder;
    bool known = op && op->opcode == TG_OP_AXIS && tg_value_const_int(tg_operand(op, 0), &extent) &&
                 tg_value_const_int(tg_operand(op, 1), &from) && tg_value_const_int(tg_operand(op, 2), &until);
    return known && from <= 0 && until >= extent && extent > 0 ? extent : 0;
}

/* The elements of the indexed axis that a chain writes. */
typedef struct cover {
    tg_arena *arena;
    tg_op *head;
    uint8_t *seen;
    int64_t extent, count;
    uint32_t n_sets;
    bool once; /* no element twice, none outside */
} cover;

static void mark(cover *c, const tg_affine *form, uint32_t term, int64_t at) {
    if (!c->once) {
        return;
    }
    if (term == form->terms.len) {
        c->once = at >= 0 && at < c->extent && !c->seen[at];
        if (c->once) {
            c->seen[at] = 1;
            c->count++;
        }
        return;
    }
    const tg_affine_term *t = &form->terms.data[term];
    int64_t n = constant_extent(t->axis);
    for (int64_t k = 0; k < n; k++) {
        int64_t next;
        if (__builtin_mul_overflow(k, t->coeff, &next) || __builtin_add_overflow(at, next, &next)) {
            c->once = false;
            return;
        }
        mark(c, form, term + 1, next);
    }
}

/* The elements of the indexed axis that one assignment writes. */
static void cover_by(cover *c, const tg_op *op) {
    tg_affine form;
    const tg_value *index = tg_operand(op, 2);
    c->once = c->once && tg_affine_of(c->arena, index, &form);
    int64_t points = 1;
    for (uint32_t i = 0; c->once && i < form.terms.len; i++) {
        const tg_affine_term *t = &form.terms.data[i];
        int64_t n = t->axis && !t->symbol ? constant_extent(t->axis) : 0;
        points = n && points <= MAX_COVERED / n ? points * n : 0;
        c->once = points > 0;
    }
    for (uint32_t i = 0; c->once && i < index->type->n_axes; i++) { /* an axis without a term writes one place again */
        c->once = tg_affine_has_axis(&form, index->type->axes[i]) || constant_extent(index->type->axes[i]) == 1;
    }
    if (c->once) {
        mark(c, &form, 0, form.constant);
    }
}

static cover *cover_create(tg_x86 *x, tg_op *head) {
    const tg_attr *axes = tg_op_attr(head, TG_ATTR_AXES);
    int64_t extent = axes->n_axes == 1 ? constant_extent(axes->axes[0]) : 0;
    cover *c = TG_NEW(x->arena, cover);
    c->arena = x->arena;
    c->head = head;
    c->n_sets = 1;
    c->once = extent > 0 && extent <= MAX_COVERED;
    c->extent = extent;
    c->seen = c->once ? TG_NEW_ARRAY(x->arena, uint8_t, (size_t)extent) : NULL;
    cover_by(c, head);
    return c;
}

/* ---- chains ------------------------------------------------------------------------------------------------ */

/* Does `op` go on with the chain of the assignment before it? Elements must differ, as the order of the two is lost. */
static bool goes_on(const cover *c, const tg_op *prev, const tg_op *op) {
    bool linked = c && c->once && prev->parent == op->parent && one_use(tg_operand(op, 0)) && same_indices(prev, op);
    for (const tg_op *k = prev->next; linked && k != op; k = k->next) {
        linked = is_calm(k);
    }
    return linked;
}

void tg_x86_note_set(tg_x86 *x, tg_op *op) {
    if (!tg_x86_is_set(op)) {
        return;
    }
    tg_op *prev = tg_operand(op, 0)->def;
    cover *c = tg_x86_is_set(prev) ? tg_map_get(x->chains, prev) : NULL;
    if (tg_x86_is_set(prev) && goes_on(c, prev, op)) {
        cover next = *c;
        next.seen = TG_COPY_ARRAY(x->arena, uint8_t, c->seen, (size_t)c->extent);
        cover_by(&next, op);
        if (next.once) {
            next.n_sets++;
            *c = next;
            tg_map_set(x->chains, op, c);
            return;
        }
    }
    tg_map_set(x->chains, op, cover_create(x, op));
}

tg_op *tg_x86_chain_head(const tg_x86 *x, const tg_op *op) {
    const cover *c = tg_map_get(x->chains, op);
    return c->head;
}

bool tg_x86_chain_covers(const tg_x86 *x, const tg_x86_nest *n) {
    const cover *c = tg_map_get(x->chains, n->roots.data[0].op);
    uint32_t sets = 0;
    for (uint32_t i = 0; i < n->roots.len; i++) {
        sets += n->roots.data[i].kind == TG_X86_ROOT_SET;
    }
    return c->once && c->count == c->extent && c->n_sets == sets;
}

/* ---- code ------------------------------------------------------------------------------------------------------ */

/* index < end */
static bool proved_below(tg_x86 *x, const tg_affine *index, tg_affine *end) {
    return tg_affine_add(end, index, -1) && !__builtin_sub_overflow(end->constant, 1, &end->constant) && tg_prove_nonneg(x->arena, x->facts, end);
}

bool tg_x86_proved_inside(tg_x86 *x, const tg_axis *a, const tg_value *index) {
    tg_affine form, end;
    int64_t n = constant_extent(a), from;
    if (!tg_affine_with_opaque(x->arena, index, &form) || !tg_prove_nonneg(x->arena, x->facts, &form)) {
        return false;
    }
    if (n > 0) {
        tg_affine_init(&end, x->arena, n);
        return proved_below(x, &form, &end);
    }
    while (a->like) {
        a = a->like;
    }
    const tg_op *op = a->binder;
    bool known = op && op->opcode == TG_OP_AXIS && tg_value_const_int(tg_operand(op, 1), &from) && from <= 0;
    for (uint32_t i = 0; known && i <= 2; i += 2) { /* the extent and the end */
        known = (i == 2 && tg_operand(op, 2) == tg_operand(op, 0)) ||
                (tg_affine_with_opaque(x->arena, tg_operand(op, i), &end) && proved_below(x, &form, &end));
    }
    return known;
}

static tg_op *fused_store(const tg_x86_nest *n) {
    const tg_x86_root *last = &n->roots.data[n->roots.len - 1];
    return last->kind == TG_X86_ROOT_STORE ? last->op : NULL;
}

void tg_x86_set_point(tg_x86 *x, const tg_x86_nest *n, tg_x86_frame *f, tg_op *op) {
    const tg_attr *axes = tg_op_attr(op, TG_ATTR_AXES);
    tg_x86_frame *at = tg_x86_frame_create(x, f, f->place);
    for (uint32_t i = 0; i < axes->n_axes; i++) {
        tg_value *index = tg_operand(op, 2 + i);
        tg_x86_val e = tg_x86_eval(x, f, index);
        tg_x86_frame_bind(at, axes->axes[i], e);
        if (!tg_x86_proved_inside(x, axes->axes[i], index)) {
            tg_x86_frame_mask(x, at, tg_x86_in_range(x, axes->axes[i], e));
        }
    }
    tg_x86_val v = tg_x86_eval(x, f, tg_operand(op, 1));
    tg_op *store = fused_store(n);
    if (store) {
        tg_x86_memo(x, at, n->roots.data[n->roots.len - 2].value, v);
        tg_x86_store_tensor(x, at, store);
    } else {
        tg_x86_buffer_store(x, at, x->buffers[tg_result(op, 0)->id], v);
    }
}

/* ---- buffers ------------------------------------------------------------------------------------------------------ */

static bool same_layout(const tg_x86_buffer *b, const tg_type *type, const tg_axis *innermost) {
    bool same = !b->capacity && b->dtype == type->dtype && b->n_axes == type->n_axes;
    for (uint32_t i = 0; same && i < b->n_axes; i++) {
        same = tg_type_has_axis(type, b->axes[i]);
    }
    return same && (!innermost || !tg_type_has_axis(type, innermost) || b->axes[b->n_axes - 1] == innermost);
}

/* A buffer for the result of a chain: one whose tile is dead, or a new one. */
static tg_x86_buffer *take_buffer(tg_x86 *x, const tg_type *type, tg_axis *innermost) {
    for (uint32_t i = 0; i < x->free_buffers.len; i++) {
        tg_x86_buffer *b = x->free_buffers.data[i];
        if (same_layout(b, type, innermost)) {
            x->free_buffers.data[i] = x->free_buffers.data[--x->free_buffers.len];
            return b;
        }
    }
    return tg_x86_buffer_create(x, type, innermost);
}

/* Before the nest's code: the buffer it writes, holding the tile as it was unless all of it is overwritten. */
void tg_x86_open_chain(tg_x86 *x, tg_x86_nest *n) {
    tg_value *base = tg_operand(n->roots.data[0].op, 0), *result = NULL;
    for (uint32_t i = 0; i < n->roots.len; i++) {
        result = n->roots.data[i].kind == TG_X86_ROOT_SET ? n->roots.data[i].value : result;
    }
    if (fused_store(n)) {
        return;
    }
    tg_axis *innermost = n->partner && n->rows && tg_type_has_axis(result->type, n->partner) ? n->partner
                         : n->vector && tg_type_has_axis(result->type, n->vector) ? n->vector
                         : result->type->axes[result->type->n_axes - 1];
    bool covers = tg_x86_chain_covers(x, n);
    bool in_place = !covers && one_use(base) && x->buffers[base->id] && base->def && base->def->parent == n->roots.data[0].op->parent;
    tg_x86_buffer *b = in_place ? x->buffers[base->id] : take_buffer(x, result->type, innermost);
    tg_x86_buffer_reserve(x, b);
    if (!covers && !in_place) {
        tg_x86_emit_nest(x, tg_x86_copy_nest(x, base, b));
    }
    for (uint32_t i = 0; i < n->roots.len; i++) {
        x->buffers[n->roots.data[i].value->id] = b;
    }
}

/* After it: buffers of earlier chains that only this nest read are free. */
void tg_x86_close_chain(tg_x86 *x, tg_x86_nest *n) {
    const tg_block *here = n->roots.data[0].op->parent;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < x->chain_results.len; i++) {
        tg_value *v = x->chain_results.data[i];
        bool dead = v->def->parent == here && tg_x86_used_only_in(x, n, v) && x->buffers[v->id] && !x->buffers[v->id]->capacity;
        if (dead && x->buffers[v->id] != x->buffers[n->roots.data[0].value->id]) {
            tg_vec_push(x->arena, &x->free_buffers, x->buffers[v->id]);
        } else {
            x->chain_results.data[kept++] = v;
        }
    }
    x->chain_results.len = kept;
    if (!fused_store(n)) {
        tg_vec_push(x->arena, &x->chain_results, n->roots.data[n->roots.len - 1].value);
    }
}
