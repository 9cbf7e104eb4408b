/* Which roots of a block share loops.
 *
 * Roots (buffers to fill, reductions, stores) are taken in program order; a root joins the open nest if it has the same
 * axes and needs nothing of that nest but what was computed at the same point. Elementwise roots over the results of a
 * reduction or a dot run where these are complete. What modes.c left without a buffer is part of the roots that use it.
 * Read nest.c next. */
#include "base/integer.h"
#include "dsl/ir/affine.h"
#include "targets/x86/dot/dot.h"
#include "targets/x86/memory/memory.h"
#include "targets/x86/nest/carry.h"
#include "targets/x86/nest/nest.h"

/* ---- nests ------------------------------------------------------------------------------------------------- */

static void axes_of_type(const tg_type *t, tg_axis **out, uint32_t *n) {
    for (uint32_t i = 0; i < t->n_axes; i++) {
        if (!tg_axes_contain(out, *n, t->axes[i])) {
            out[(*n)++] = t->axes[i];
        }
    }
}

static void sort_axes(tg_axis **a, uint32_t n) {
    for (uint32_t i = 1; i < n; i++) {
        for (uint32_t k = i; k > 0 && a[k - 1]->rank > a[k]->rank; k--) {
            tg_axis *t = a[k];
            a[k] = a[k - 1];
            a[k - 1] = t;
        }
    }
}

static tg_x86_root_kind root_kind(const tg_op *op) {
    switch ((int)op->opcode) {
    case TG_OP_STORE:
        return TG_X86_ROOT_STORE;
    case TG_OP_REDUCE:
    case TG_OP_REDUCE_FN:
    case TG_OP_DOT:
        return TG_X86_ROOT_REDUCE;
    case TG_OP_SCAN:
    case TG_OP_SCAN_FN:
        return TG_X86_ROOT_SCAN;
    case TG_OP_ATOMIC:
    case TG_OP_CAS:
        return TG_X86_ROOT_ATOMIC;
    case TG_OP_ASSERT:
        return TG_X86_ROOT_EFFECT;
    case TG_OP_REINDEX_SET:
        return TG_X86_ROOT_SET;
    case TG_OP_FOR:
        return TG_X86_ROOT_CARRY;
    default:
        return TG_X86_ROOT_FILL;
    }
}

static uint32_t first_index_operand(const tg_op *op) {
    return op->opcode == TG_OP_CAS ? 3 : 2;
}

/* Points that REINDEX_SET writes: the tile's axes without the indexed ones, and the axes of the indices. */
static void set_axes(const tg_op *op, tg_axis **all, uint32_t *n) {
    const tg_attr *axes = tg_op_attr(op, TG_ATTR_AXES);
    const tg_type *t = tg_result(op, 0)->type;
    *n = 0;
    for (uint32_t i = 0; i < t->n_axes; i++) {
        if (!tg_axes_contain(axes->axes, axes->n_axes, t->axes[i])) {
            all[(*n)++] = t->axes[i];
        }
    }
    for (uint32_t i = 0; i < axes->n_axes; i++) {
        axes_of_type(tg_operand(op, 2 + i)->type, all, n);
    }
}

static void nest_axes(const tg_op *op, tg_x86_nest *n) {
    tg_x86_root_kind kind = root_kind(op);
    tg_axis *all[16];
    uint32_t n_all = 0;
    if (kind == TG_X86_ROOT_FILL || kind == TG_X86_ROOT_CARRY) {
        axes_of_type(tg_result(op, 0)->type, all, &n_all);
    } else if (kind == TG_X86_ROOT_STORE || kind == TG_X86_ROOT_ATOMIC) {
        uint32_t from = first_index_operand(op);
        for (uint32_t i = from; i < from + tg_op_n_indices(op); i++) {
            axes_of_type(tg_operand(op, i)->type, all, &n_all);
        }
    } else {
        for (uint32_t i = 0; i < op->n_operands; i++) {
            axes_of_type(tg_operand(op, i)->type, all, &n_all);
        }
    }
    if (kind == TG_X86_ROOT_SET) {
        set_axes(op, all, &n_all);
    }
    const tg_attr *over = tg_op_attr(op, TG_ATTR_OVER);
    tg_axis *scanned = kind == TG_X86_ROOT_SCAN ? tg_op_axis(op, TG_ATTR_AXIS) : NULL;
    sort_axes(all, n_all);
    for (uint32_t i = 0; i < n_all; i++) {
        bool inner = all[i] == scanned || (over && tg_axes_contain(over->axes, over->n_axes, all[i]));
        if (inner) {
            n->inner[n->n_inner++] = all[i];
        } else {
            n->outer[n->n_outer++] = all[i];
        }
    }
    n->reverse = kind == TG_X86_ROOT_SCAN && tg_op_flag(op, TG_ATTR_REVERSE);
}

tg_x86_nest *tg_x86_op_nest(tg_x86 *x, tg_op *op) {
    tg_x86_nest *n = TG_NEW(x->arena, tg_x86_nest);
    nest_axes(op, n);
    tg_x86_root r = {root_kind(op), op, op->n_results ? tg_result(op, 0) : NULL, NULL, false, false};
    r.transient = r.kind == TG_X86_ROOT_ATOMIC && !r.value->uses;
    tg_vec_push(x->arena, &n->roots, r);
    n->dot = op->opcode == TG_OP_DOT ? tg_x86_dot_plan(x, op) : NULL;
    return n;
}

tg_x86_nest *tg_x86_copy_nest(tg_x86 *x, tg_value *v, tg_x86_buffer *to) {
    tg_x86_nest *n = TG_NEW(x->arena, tg_x86_nest);
    for (uint32_t i = 0; i < to->n_axes; i++) {
        n->outer[n->n_outer++] = to->axes[i];
    }
    tg_x86_root r = {TG_X86_ROOT_FILL, NULL, v, to, false, false};
    tg_vec_push(x->arena, &n->roots, r);
    return n;
}

/* ---- grouping -------------------------------------------------------------------------------------------------- */

/* `after`: asked for a root that would run after the reductions of the nest. */
static bool produced_by(const tg_x86_nest *g, const tg_value *v, bool after, bool *reduced) {
    for (uint32_t i = 0; i < g->roots.len; i++) {
        const tg_x86_root *r = &g->roots.data[i];
        if (v->def && v->def == r->op) {
            bool at_point = r->kind == TG_X86_ROOT_FILL || r->kind == TG_X86_ROOT_SET || r->kind == TG_X86_ROOT_SCAN || (after && (r->kind == TG_X86_ROOT_REDUCE || r->kind == TG_X86_ROOT_CARRY));
            *reduced = !(at_point || g->dot) || (r->after && !after);
            return true;
        }
    }
    return false;
}

typedef enum need { NEED_NONE, NEED_POINT, NEED_WHOLE } need;

static need need_of_operands(const tg_x86 *x, const tg_x86_nest *g, const tg_op *op, bool moved);

/* What `v` needs of the results of nest `g`: nothing, the value at the same point, or all of it. */
static need need_of(const tg_x86 *x, const tg_x86_nest *g, const tg_value *v, bool moved) {
    bool reduced = false;
    if (produced_by(g, v, x->memo->after, &reduced)) {
        return reduced || moved ? NEED_WHOLE : NEED_POINT;
    }
    if (v->type->kind != TG_TYPE_TILE || !v->def || v->type->n_axes == 0 || x->modes[v->id] != TG_X86_INLINE) {
        return NEED_NONE;
    }
    uint32_t at = 2 * v->id + moved;
    if (x->memo->at[at].walk != x->memo->walk) {
        x->memo->at[at].answer = (uint8_t)need_of_operands(x, g, v->def, moved);
        x->memo->at[at].walk = x->memo->walk;
    }
    return (need)x->memo->at[at].answer;
}

static need need_of_operands(const tg_x86 *x, const tg_x86_nest *g, const tg_op *op, bool moved) {
    need worst = NEED_NONE;
    for (uint32_t i = 0; i < op->n_operands; i++) {
        need k = need_of(x, g, tg_operand(op, i), moved || (op->opcode == TG_OP_REINDEX && i == 0));
        worst = k > worst ? k : worst;
    }
    return worst;
}

static need need_of_op(const tg_x86 *x, const tg_x86_nest *g, const tg_op *op) {
    x->memo->walk++;
    x->memo->after = false;
    return need_of_operands(x, g, op, false);
}

/* The same if `op` ran after the reductions of the nest. */
static need need_after(const tg_x86 *x, const tg_x86_nest *g, const tg_op *op) {
    x->memo->walk++;
    x->memo->after = true;
    return need_of_operands(x, g, op, false);
}

/* Does evaluating `v` read the tensor? Each value is asked once in a walk: later the answer is no, as the first one ended it. */
static bool reads(const tg_x86 *x, const tg_value *v, const tg_value *tensor) {
    const tg_op *op = v->def;
    if (v->type->kind != TG_TYPE_TILE || v->type->n_axes == 0 || !op || x->modes[v->id] != TG_X86_INLINE) {
        return false;
    }
    if (x->memo->at[2 * v->id].walk == x->memo->walk) {
        return false;
    }
    x->memo->at[2 * v->id].walk = x->memo->walk;
    if (op->opcode == TG_OP_LOAD && tg_operand(op, 0) == tensor) {
        return true;
    }
    for (uint32_t i = 0; i < op->n_operands; i++) {
        if (reads(x, tg_operand(op, i), tensor)) {
            return true;
        }
    }
    return false;
}

/* Of the operations in a loop that runs point by point. */
static bool body_reads(const tg_x86 *x, const tg_op *loop, const tg_value *tensor) {
    for (const tg_op *op = loop->regions[0].body.first; op; op = op->next) {
        bool found = (op->opcode == TG_OP_LOAD && tg_operand(op, 0) == tensor) || (op->opcode == TG_OP_FOR && body_reads(x, op, tensor));
        for (uint32_t i = 0; i < op->n_operands && !found; i++) {
            found = reads(x, tg_operand(op, i), tensor);
        }
        if (found) {
            return true;
        }
    }
    return false;
}

bool tg_x86_op_reads(const tg_x86 *x, const tg_op *op, const tg_value *tensor) {
    x->memo->walk++;
    if ((op->opcode == TG_OP_LOAD && tg_operand(op, 0) == tensor) || (op->opcode == TG_OP_FOR && body_reads(x, op, tensor))) {
        return true;
    }
    for (uint32_t i = 0; i < op->n_operands; i++) {
        if (reads(x, tg_operand(op, i), tensor)) {
            return true;
        }
    }
    return false;
}

/* The gcd of the form's coefficients of axes; 1 if one is not constant. */
static int64_t axis_step(const tg_affine *f, int64_t step) {
    for (uint32_t i = 0; i < f->terms.len; i++) {
        const tg_affine_term *t = &f->terms.data[i];
        step = !t->axis ? step : t->symbol ? 1 : tg_gcd(step, t->coeff);
    }
    return step;
}

/* Are the indices different at any two points? They are if their constants differ by no multiple of what the axes, and scalars that are not in
 * both alike, add. */
static bool never_equal(tg_x86 *x, const tg_value *i, const tg_value *k) {
    tg_affine a, b, d;
    if (!tg_affine_of(x->arena, i, &a) || !tg_affine_of(x->arena, k, &b) || !tg_affine_sub(x->arena, &a, &b, &d)) {
        return false;
    }
    int64_t step = axis_step(&a, axis_step(&b, 0));
    for (uint32_t t = 0; t < d.terms.len; t++) {
        step = d.terms.data[t].axis ? step : tg_gcd(step, d.terms.data[t].coeff);
    }
    return step ? d.constant % step != 0 : d.constant != 0;
}

bool tg_x86_never_meet(tg_x86 *x, const tg_op *a, const tg_op *b) {
    for (uint32_t d = 0; d < tg_op_n_indices(a); d++) {
        if (never_equal(x, tg_op_index(a, d), tg_op_index(b, d))) {
            return true;
        }
    }
    return false;
}

static bool memory_conflict(tg_x86 *x, const tg_op *a, const tg_op *b) {
    const tg_value *ta = a->opcode == TG_OP_STORE ? tg_operand(a, 0) : NULL;
    const tg_value *tb = b->opcode == TG_OP_STORE ? tg_operand(b, 0) : NULL;
    return (ta && ta == tb && !tg_x86_never_meet(x, a, b)) || (ta && tg_x86_op_reads(x, b, ta)) || (tb && tg_x86_op_reads(x, a, tb));
}

static bool root_conflict(tg_x86 *x, const tg_x86_root *r, const tg_op *op) {
    return memory_conflict(x, r->op ? r->op : r->value->def, op);
}

static bool same_set(const tg_x86_nest *a, const tg_x86_nest *b) {
    if (a->n_outer + a->n_inner != b->n_outer + b->n_inner) {
        return false;
    }
    for (uint32_t i = 0; i < a->n_outer + a->n_inner; i++) {
        tg_axis *k = i < a->n_outer ? a->outer[i] : a->inner[i - a->n_outer];
        if (!tg_axes_contain(b->outer, b->n_outer, k) && !tg_axes_contain(b->inner, b->n_inner, k)) {
            return false;
        }
    }
    if (!a->n_inner || !b->n_inner) {
        return true;
    }
    for (uint32_t i = 0; i < a->n_inner; i++) {
        if (!tg_axes_contain(b->inner, b->n_inner, a->inner[i])) {
            return false;
        }
    }
    return a->n_inner == b->n_inner;
}

static bool is_solitary(const tg_op *op) {
    tg_x86_root_kind k = root_kind(op);
    return op->opcode == TG_OP_DOT || op->opcode == TG_OP_REDUCE_FN || (k != TG_X86_ROOT_FILL && k != TG_X86_ROOT_STORE && k != TG_X86_ROOT_REDUCE);
}

/* Elementwise roots over exactly the results of a dot or a reduction run on its accumulators. */
static bool joins_results(const tg_x86_nest *g, const tg_x86_nest *n) {
    tg_x86_root_kind k = n->roots.data[0].kind;
    bool single = k == TG_X86_ROOT_STORE || (k == TG_X86_ROOT_FILL && n->roots.data[0].op && n->roots.data[0].op->n_results == 1);
    bool same = single && n->n_inner == 0 && n->n_outer == g->n_outer;
    for (uint32_t i = 0; same && i < n->n_outer; i++) {
        same = tg_axes_contain(g->outer, g->n_outer, n->outer[i]);
    }
    return same;
}

/* What a scan gives at a point is complete there. */
static bool goes_with_scan(const tg_x86_nest *g, const tg_x86_nest *n) {
    return g->roots.data[0].kind == TG_X86_ROOT_SCAN && n->n_inner == 0;
}

/* May the operation join others that nobody asks for their old values? Points take their turn in another order then, which shows if these do
 * different things to one element. */
static bool goes_with_atomics(const tg_x86_nest *g, const tg_x86_nest *n) {
    const tg_x86_root *own = &n->roots.data[0];
    bool may = own->transient && tg_x86_is_relaxed(own->op) && same_set(g, n);
    for (uint32_t i = 0; i < g->roots.len && may; i++) {
        const tg_x86_root *r = &g->roots.data[i];
        may = r->kind == TG_X86_ROOT_ATOMIC && r->transient && tg_x86_is_relaxed(r->op);
        const tg_value *a = may ? tg_operand(r->op, 0) : NULL, *b = tg_operand(own->op, 0);
        bool alike = may && tg_op_enum(r->op, TG_ATTR_FN, TG_FN_ADD) == tg_op_enum(own->op, TG_ATTR_FN, TG_FN_ADD);
        may = may && (a == b ? alike : tg_x86_is_distinct(a) && tg_x86_is_distinct(b));
    }
    return may;
}

static bool may_share(const tg_x86_nest *g, const tg_x86_nest *n) {
    if (n->roots.data[0].kind == TG_X86_ROOT_ATOMIC) {
        return goes_with_atomics(g, n);
    }
    if (is_solitary(n->roots.data[0].op)) {
        return false;
    }
    return g->dot ? joins_results(g, n) : (goes_with_scan(g, n) || !is_solitary(g->roots.data[0].op)) && same_set(g, n);
}

static bool can_join(tg_x86 *x, const tg_x86_nest *g, const tg_x86_nest *n) {
    const tg_op *op = n->roots.data[0].op;
    if (!g || x->options->baseline || g->roots.data[g->roots.len - 1].after || !may_share(g, n) || g->roots.len + n->roots.len > TG_X86_MAX_ROOTS ||
        n->n_outer + n->n_inner == 0 || need_of_op(x, g, op) == NEED_WHOLE) {
        return false;
    }
    for (uint32_t i = 0; i < g->roots.len; i++) {
        if (root_conflict(x, &g->roots.data[i], op)) {
            return false;
        }
    }
    return true;
}

static void join(tg_x86 *x, tg_x86_nest *g, const tg_x86_nest *n) {
    if (!g->n_inner && n->n_inner) {
        g->n_outer = n->n_outer;
        g->n_inner = n->n_inner;
        for (uint32_t i = 0; i < 8; i++) {
            g->outer[i] = n->outer[i];
            g->inner[i] = n->inner[i];
        }
    }
    tg_vec_push(x->arena, &g->roots, n->roots.data[0]);
}

/* May the root run where the reductions of the nest are complete? */
static bool can_follow(tg_x86 *x, const tg_x86_nest *g, const tg_x86_nest *n) {
    const tg_op *op = n->roots.data[0].op;
    bool reduces = g && !g->dot && g->n_outer > 0 && (g->n_inner > 0 || g->roots.data[0].kind == TG_X86_ROOT_CARRY) && !x->options->baseline && g->roots.len < TG_X86_MAX_ROOTS;
    for (uint32_t i = 0; reduces && i < g->roots.len; i++) {
        const tg_x86_root *r = &g->roots.data[i];
        reduces = (r->after || r->kind == TG_X86_ROOT_REDUCE || r->kind == TG_X86_ROOT_FILL || r->kind == TG_X86_ROOT_CARRY) && !root_conflict(x, r, op);
    }
    return reduces && joins_results(g, n) && need_after(x, g, op) != NEED_WHOLE;
}

static void follow(tg_x86 *x, tg_x86_nest *g, const tg_x86_nest *n) {
    tg_x86_root r = n->roots.data[0];
    r.after = true;
    tg_vec_push(x->arena, &g->roots, r);
}

/* What a loop carries on and is made of a dot's results at the same point is written by the dot, as a root without an op, to the
 * buffer that the loop's code names (tg_x86_root_of_yield). Asked when all that `v` needs is known, and nothing that comes later. */
static void join_yield(tg_x86 *x, tg_x86_nest *g, tg_value *v) {
    const tg_op *yield = v->uses && !v->uses->next ? v->uses->user : NULL;
    const tg_op *loop = yield && yield->opcode == TG_OP_YIELD && yield->parent == v->def->parent ? yield->parent->parent->parent : NULL;
    if (!g || !g->dot || !loop || loop->opcode != TG_OP_FOR || x->options->baseline || g->roots.len >= TG_X86_MAX_ROOTS) {
        return;
    }
    const tg_value *result = g->roots.data[0].value;
    bool same = v->type->dtype == result->type->dtype && tg_type_same_axes(v->type, result->type);
    bool made = v == result || (tg_op_is_elementwise(v->def->opcode) && need_of_op(x, g, v->def) == NEED_POINT);
    for (uint32_t i = 0; same && made && i < g->roots.len; i++) {
        made = !root_conflict(x, &g->roots.data[i], v->def);
    }
    if (same && made) {
        tg_x86_root r = {TG_X86_ROOT_FILL, NULL, v, NULL, false, false};
        tg_vec_push(x->arena, &g->roots, r);
    }
}

tg_x86_root *tg_x86_root_of_yield(tg_x86 *x, const tg_block *b, const tg_value *v, const tg_x86_dot **dot) {
    tg_x86_steps *steps = tg_map_get(x->steps, b);
    for (uint32_t s = 0; steps && s < steps->len; s++) {
        tg_x86_dot *d = steps->data[s].nest ? steps->data[s].nest->dot : NULL;
        for (uint32_t i = 0; d && i < d->roots.len; i++) {
            if (!d->roots.data[i].op && d->roots.data[i].value == v) {
                if (dot) {
                    *dot = d;
                }
                return &d->roots.data[i];
            }
        }
    }
    return NULL;
}

static void add_step(tg_x86 *x, tg_x86_steps *s, tg_x86_step_kind kind, tg_op *op, tg_x86_nest *nest) {
    tg_x86_step step = {kind, op, nest};
    tg_vec_push(x->arena, s, step);
}

/* Is `v` needed only where the nest's roots from `first` on run? Values in `seen` have been asked already. */
static bool used_only_by(const tg_x86 *x, const tg_x86_nest *g, uint32_t first, const tg_value *v, tg_map *seen) {
    if (tg_map_has(seen, v)) {
        return true;
    }
    tg_map_set(seen, v, seen);
    for (const tg_use *u = v->uses; u; u = u->next) {
        bool inside = false;
        for (uint32_t i = first; i < g->roots.len; i++) {
            const tg_x86_root *r = &g->roots.data[i];
            inside |= r->op ? r->op == u->user : r->value == v;
        }
        bool passes = u->user->n_results && tg_x86_can_inline(u->user) && x->modes[tg_result(u->user, 0)->id] == TG_X86_INLINE;
        if (!inside && !(passes && used_only_by(x, g, first, tg_result(u->user, 0), seen))) {
            return false;
        }
    }
    return true;
}

/* The first root is the one that makes it. */
static bool used_only_after_first(const tg_x86 *x, const tg_x86_nest *g, const tg_value *v) {
    return used_only_by(x, g, 1, v, tg_map_create(x->arena));
}

bool tg_x86_used_only_in(const tg_x86 *x, const tg_x86_nest *g, const tg_value *v) {
    return used_only_by(x, g, 0, v, tg_map_create(x->arena));
}

static void finish_dot(tg_x86 *x, tg_x86_nest *g) {
    tg_x86_root self = {TG_X86_ROOT_FILL, g->roots.data[0].op, g->roots.data[0].value, NULL, false, false};
    if (!used_only_after_first(x, g, self.value)) {
        tg_vec_push(x->arena, &g->dot->roots, self);
    }
    for (uint32_t i = 1; i < g->roots.len; i++) {
        tg_vec_push(x->arena, &g->dot->roots, g->roots.data[i]);
    }
}

/* A value that only its own nest reads, at the same point, needs no buffer. */
static void mark_transient(tg_x86 *x, tg_x86_nest *g) {
    for (uint32_t i = 0; i < g->roots.len && g->roots.len > 1 && !g->dot && !x->options->baseline; i++) {
        tg_x86_root *r = &g->roots.data[i];
        if (r->kind == TG_X86_ROOT_ATOMIC) { /* known from the start */
            continue;
        }
        r->transient = r->op && (r->kind == TG_X86_ROOT_FILL || r->kind == TG_X86_ROOT_REDUCE || r->kind == TG_X86_ROOT_SCAN || r->kind == TG_X86_ROOT_CARRY);
        for (uint32_t k = 0; r->transient && k < r->op->n_results; k++) {
            r->transient = used_only_after_first(x, g, tg_result(r->op, k));
        }
    }
}

/* ---- chains of partial assignments ---- */

static bool is_chain(const tg_x86_nest *g) {
    return g && g->roots.data[0].kind == TG_X86_ROOT_SET;
}

static bool is_open_chain(const tg_x86_nest *g) {
    return is_chain(g) && g->roots.data[g->roots.len - 1].kind == TG_X86_ROOT_SET;
}

/* May the store be done part by part as the assignments are? */
static bool completes_chain(tg_x86 *x, tg_x86_nest *g, tg_x86_nest *n) {
    const tg_value *tile = g->roots.data[g->roots.len - 1].value;
    const tg_op *store = n->roots.data[0].op;
    bool same = n->n_outer == tile->type->n_axes && need_of_op(x, g, store) == NEED_POINT && tg_x86_chain_covers(x, g);
    for (uint32_t i = 0; same && i < n->n_outer; i++) {
        same = tg_type_has_axis(tile->type, n->outer[i]);
    }
    for (uint32_t i = 0; same && i < g->roots.len; i++) {
        same = !tg_x86_op_reads(x, g->roots.data[i].op, tg_operand(store, 0));
    }
    return same && !tg_x86_op_reads(x, store, tg_operand(store, 0)) && used_only_by(x, n, 0, tile, tg_map_create(x->arena));
}

/* The next assignment of the chain, or a store of the tile that it has just completed. */
static bool joins_chain(tg_x86 *x, tg_x86_nest *g, tg_x86_nest *n) {
    const tg_x86_root *last = &g->roots.data[g->roots.len - 1];
    tg_op *op = n->roots.data[0].op;
    if (x->options->baseline || !is_open_chain(g) || g->roots.len >= TG_X86_MAX_ROOTS) {
        return false;
    }
    if (tg_x86_is_set(op)) {
        return tg_operand(op, 0) == last->value && tg_x86_chain_head(x, op) == g->roots.data[0].op && same_set(g, n);
    }
    return op->opcode == TG_OP_STORE && completes_chain(x, g, n);
}

/* May the nest run before the open one, which others can join then? Elementwise code that an open chain does not need, or that
 * has fewer axes, such as factors of rows between two steps over all elements. */
static bool may_go_ahead(tg_x86 *x, const tg_x86_nest *open, const tg_x86_nest *n) {
    const tg_op *op = n->roots.data[0].op;
    if (!open || n->roots.data[0].kind != TG_X86_ROOT_FILL || need_of_op(x, open, op) != NEED_NONE) {
        return false;
    }
    bool smaller = tg_op_is_elementwise(op->opcode) && n->n_outer < open->n_outer + open->n_inner && !x->options->baseline;
    for (uint32_t i = 0; smaller && i < open->roots.len; i++) {
        smaller = !root_conflict(x, &open->roots.data[i], op);
    }
    return is_open_chain(open) || smaller;
}

/* Might a load of one element read what the nest writes? Else it goes before the nest, which others can join still. */
static bool may_read_result(const tg_x86_nest *open, const tg_op *op) {
    bool may = false;
    for (uint32_t i = 0; i < open->roots.len && op->opcode == TG_OP_LOAD && !is_open_chain(open); i++) {
        const tg_x86_root *r = &open->roots.data[i];
        const tg_value *to = r->kind == TG_X86_ROOT_STORE ? tg_operand(r->op, 0) : NULL;
        bool pure = r->kind == TG_X86_ROOT_FILL || r->kind == TG_X86_ROOT_REDUCE || r->kind == TG_X86_ROOT_SCAN;
        may = may || !(to ? to != tg_operand(op, 0) && tg_x86_is_distinct(to) && tg_x86_is_distinct(tg_operand(op, 0)) : pure);
    }
    return may;
}

/* The steps of a block so far. The open nest is one that others may still join. What comes later and needs its results, but has no axes, waits
 * until it is closed: a reduction of the same elements may be next.
 *
 *     Y[s] = sum(X[i], i); Z[s] = max(X[i], i);        one loop over i, then both stores */
typedef struct planner {
    tg_x86_steps *steps;
    tg_x86_nest *open;
    tg_x86_nest later; /* its roots wait, in order */
} planner;

static void flush(tg_x86 *x, planner *p) {
    if (p->open) {
        mark_transient(x, p->open);
        if (p->open->dot) {
            finish_dot(x, p->open);
        }
        add_step(x, p->steps, TG_X86_STEP_NEST, NULL, p->open);
        p->open = NULL;
    }
    for (uint32_t i = 0; i < p->later.roots.len; i++) {
        tg_op *op = p->later.roots.data[i].op;
        bool stores = op->opcode == TG_OP_STORE;
        add_step(x, p->steps, stores ? TG_X86_STEP_NEST : TG_X86_STEP_SCALAR, stores ? NULL : op, stores ? tg_x86_op_nest(x, op) : NULL);
    }
    p->later.roots.len = 0;
}

/* Does the operation have to come after what waits? */
static bool needs_later(tg_x86 *x, const planner *p, const tg_op *op) {
    bool needs = need_of_op(x, &p->later, op) != NEED_NONE || may_read_result(&p->later, op);
    for (uint32_t i = 0; i < p->later.roots.len && !needs; i++) {
        needs = root_conflict(x, &p->later.roots.data[i], op);
    }
    return needs;
}

/* Lets it wait, if the open nest only reduces, to numbers. */
static bool may_wait(const planner *p, const tg_op *op) {
    const tg_x86_nest *n = p->open;
    bool may = n && !n->dot && n->n_outer == 0 && n->n_inner > 0 && p->later.roots.len < TG_X86_MAX_ROOTS;
    for (uint32_t i = 0; may && i < n->roots.len; i++) {
        may = n->roots.data[i].kind == TG_X86_ROOT_REDUCE;
    }
    return may && (op->opcode == TG_OP_STORE || tg_op_is_elementwise(op->opcode));
}

static void wait_for_open(tg_x86 *x, planner *p, tg_op *op) {
    tg_x86_root r = {root_kind(op), op, op->n_results ? tg_result(op, 0) : NULL, NULL, false, false};
    tg_vec_push(x->arena, &p->later.roots, r);
}

static bool is_control(const tg_op *op) {
    switch ((int)op->opcode) {
    case TG_OP_FOR:
    case TG_OP_IF:
    case TG_OP_WHILE:
    case TG_OP_AXIS:
    case TG_OP_SORT:
    case TG_OP_TOPK:
    case TG_OP_HISTOGRAM:
    case TG_OP_PHASE:
    case TG_OP_TEMP:
    case TG_OP_PRINT:
        return true;
    default:
        return false;
    }
}

static bool is_scalar_step(const tg_op *op) {
    return root_kind(op) == TG_X86_ROOT_FILL && (op->n_results == 0 || tg_result(op, 0)->type->n_axes == 0);
}

static void plan_scalar(tg_x86 *x, planner *p, tg_op *op) {
    bool needs = p->open && need_of_op(x, p->open, op) != NEED_NONE, waits = needs || needs_later(x, p, op);
    if (waits && may_wait(p, op)) {
        wait_for_open(x, p, op);
        return;
    }
    if (waits || (p->open && may_read_result(p->open, op))) {
        flush(x, p);
    }
    add_step(x, p->steps, TG_X86_STEP_SCALAR, op, NULL);
}

static void plan_root(tg_x86 *x, planner *p, tg_op *op) {
    tg_x86_nest *n = tg_x86_op_nest(x, op);
    bool is_number = n->n_outer + n->n_inner == 0 && op->opcode == TG_OP_STORE && !x->options->baseline;
    if (is_number && may_wait(p, op)) {
        wait_for_open(x, p, op);
        return;
    }
    if (needs_later(x, p, op)) {
        flush(x, p);
    }
    if (can_join(x, p->open, n)) {
        join(x, p->open, n);
    } else if (can_follow(x, p->open, n)) {
        follow(x, p->open, n);
    } else if (is_chain(p->open) && joins_chain(x, p->open, n)) {
        tg_vec_push(x->arena, &p->open->roots, n->roots.data[0]);
    } else if (may_go_ahead(x, p->open, n)) {
        add_step(x, p->steps, TG_X86_STEP_NEST, NULL, n);
    } else {
        flush(x, p);
        p->open = n;
        if (n->dot) {
            join_yield(x, n, tg_result(op, 0));
        }
    }
}

static void plan_block(tg_x86 *x, tg_block *b) {
    planner p = {.steps = TG_NEW(x->arena, tg_x86_steps)};
    for (tg_op *op = b->first; op; op = op->next) {
        if (tg_op_is_terminator(op)) {
            continue;
        }
        bool carry = tg_x86_is_carry(x, op);
        bool has_regions = op->n_regions && !carry && !tg_x86_has_scalar_region(op) && op->opcode != TG_OP_PHASE;
        for (uint32_t i = 0; i < op->n_regions && has_regions; i++) {
            plan_block(x, &op->regions[i].body);
        }
        if (is_control(op) && !carry) {
            if (op->opcode != TG_OP_AXIS || p.later.roots.len > 0 || (p.open && need_of_op(x, p.open, op) != NEED_NONE)) {
                flush(x, &p);
            }
            add_step(x, p.steps, TG_X86_STEP_OP, op, NULL);
        } else if (!carry && is_scalar_step(op)) {
            plan_scalar(x, &p, op);
        } else if (root_kind(op) != TG_X86_ROOT_FILL || x->modes[tg_result(op, 0)->id] == TG_X86_BUFFER) {
            plan_root(x, &p, op);
        } else {
            join_yield(x, p.open, tg_result(op, 0));
        }
    }
    flush(x, &p);
    tg_map_set(x->steps, b, p.steps);
}

void tg_x86_plan(tg_x86 *x, tg_region *region) {
    tg_x86_choose_modes(x, region);
    plan_block(x, &region->body);
}
