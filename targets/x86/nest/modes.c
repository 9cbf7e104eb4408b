/* Which tile values are recomputed where they are used and which live in a buffer.
 *
 * A value is recomputed (INLINE) if it is elementwise, a load or a renaming. It gets a buffer if it is the result of
 * anything else, if several nests, or loops over further axes, would repeat an expensive chain, if a store could come between a load and its use,
 * or if a dot would evaluate it again and again. The baseline gives every value a buffer.
 *
 * Users are asked before what they use: where a value ends up, its *sink*, is the one root that reads it through
 * values without buffers, or `many`. Read plan.c next. */
#include "targets/x86/dot/dot.h"
#include "targets/x86/nest/carry.h"
#include "targets/x86/nest/nest.h"

enum { EXPENSIVE = 8, REPEATED = 24, MAX_COST = 1000 };

typedef struct choice {
    tg_x86 *x;
    tg_op **ops; /* all ops of the region in pre-order, scalar regions left out */
    uint32_t n_ops;
    tg_op **sinks; /* by value id: the one root that uses it, or `many` */
    tg_op **yields; /* by op id of a terminator: copies of it that stand for its operands, each of which is a root */
    uint16_t *costs;
    uint32_t *order; /* by op id: position in ops, 1-based */
} choice;

static tg_op many; /* stands for "several roots" */

bool tg_x86_has_scalar_region(const tg_op *op) {
    return op->opcode == TG_OP_MAP || op->opcode == TG_OP_ASM || op->opcode == TG_OP_REDUCE_FN || op->opcode == TG_OP_SCAN_FN;
}

bool tg_x86_can_inline(const tg_op *op) {
    return tg_op_is_elementwise(op->opcode) || op->opcode == TG_OP_LOAD || op->opcode == TG_OP_REINDEX ||
           op->opcode == TG_OP_MAP || op->opcode == TG_OP_ASM || op->opcode == TG_OP_PHILOX;
}

typedef TG_VEC(tg_op *) op_list;

static void collect(tg_x86 *x, tg_region *r, op_list *out) {
    for (tg_op *op = r->body.first; op; op = op->next) {
        tg_vec_push(x->arena, out, op);
        bool descend = !tg_x86_has_scalar_region(op) && op->opcode != TG_OP_PHASE;
        for (uint32_t i = 0; i < op->n_regions && descend; i++) {
            collect(x, &op->regions[i], out);
        }
    }
}

static uint32_t op_cost(const tg_op *op) {
    switch ((int)op->opcode) {
    case TG_OP_CONST:
    case TG_OP_IOTA:
    case TG_OP_BROADCAST:
        return 0;
    case TG_OP_DIV:
    case TG_OP_REM:
    case TG_OP_SQRT:
        return 3;
    case TG_OP_REINDEX:
        return 4;
    case TG_OP_MAP:
    case TG_OP_ASM:
    case TG_OP_PHILOX:
    case TG_OP_GCD:
    case TG_OP_FMOD:
        return 40;
    default:
        return 1;
    }
}

/* ---- hazards ----------------------------------------------------------------------------------------- */

/* Does it write the tensor … */
static bool writes(const tg_op *op, const tg_value *tensor) {
    bool w = op->opcode == TG_OP_STORE || op->opcode == TG_OP_ATOMIC || op->opcode == TG_OP_CAS;
    return w && tg_operand(op, 0) == tensor;
}

/* … that the load reads? */
static bool disturbs(const choice *s, const tg_op *op, const tg_op *load) {
    return writes(op, tg_operand(load, 0)) && (op->opcode != TG_OP_STORE || !tg_x86_never_meet(s->x, op, load));
}

static bool same_place(const tg_op *load, const tg_op *store) {
    for (uint32_t d = 0; d < tg_op_n_indices(load); d++) {
        if (tg_op_index(load, d) != tg_op_index(store, d)) {
            return false;
        }
    }
    return true;
}

static bool is_disturbed(const choice *s, const tg_op *load) {
    for (uint32_t i = 0; i < s->n_ops; i++) {
        if (disturbs(s, s->ops[i], load)) {
            return true;
        }
    }
    return false;
}

/* May a store to the tensor come between the load and the root that would read it? */
static bool is_hazard(const choice *s, const tg_op *load) {
    if (!is_disturbed(s, load)) {
        return false;
    }
    const tg_op *sink = s->sinks[tg_result(load, 0)->id];
    if (!sink || sink == &many || sink->parent != load->parent) {
        return true;
    }
    for (uint32_t i = s->order[load->id]; i + 1 < s->order[sink->id]; i++) {
        if (disturbs(s, s->ops[i], load)) {
            return true;
        }
    }
    return disturbs(s, sink, load) && !same_place(load, sink);
}

/* ---- modes ---------------------------------------------------------------------------------------------- */

static tg_op *sink_of_yield(const choice *s, const tg_use *u) {
    tg_op *copies = s->yields[u->user->id];
    if (!copies) {
        copies = s->yields[u->user->id] = TG_NEW_ARRAY(s->x->arena, tg_op, u->user->n_operands);
        for (uint32_t i = 0; i < u->user->n_operands; i++) {
            copies[i] = *u->user;
        }
    }
    return &copies[u - u->user->operands];
}

static tg_op *sink_of_use(const choice *s, const tg_use *u) {
    tg_op *user = u->user;
    if (tg_op_is_terminator(user)) {
        return sink_of_yield(s, u);
    }
    if (tg_x86_is_set(user) && !s->x->options->baseline) {
        return tg_x86_chain_head(s->x, user);
    }
    if (!tg_x86_can_inline(user) || user->n_results == 0 || tg_result(user, 0)->type->n_axes == 0) {
        return user;
    }
    return s->x->modes[tg_result(user, 0)->id] == TG_X86_BUFFER ? user : s->sinks[tg_result(user, 0)->id];
}

static void find_sink(const choice *s, const tg_value *v) {
    tg_op *one = NULL;
    for (const tg_use *u = v->uses; u; u = u->next) {
        tg_op *k = sink_of_use(s, u);
        one = !one || one == k ? k : &many;
    }
    s->sinks[v->id] = one;
}

static uint32_t inline_cost(const choice *s, const tg_op *op) {
    uint32_t c = op_cost(op);
    for (uint32_t i = 0; i < op->n_operands; i++) {
        const tg_value *v = tg_operand(op, i);
        c += v->type->kind == TG_TYPE_TILE && v->type->n_axes > 0 ? s->costs[v->id] : 0;
    }
    return c < MAX_COST ? c : MAX_COST;
}

static uint32_t innermost_rank(const tg_type *t) {
    uint32_t rank = 0;
    for (uint32_t i = 0; i < t->n_axes; i++) {
        rank = t->axes[i]->rank > rank ? t->axes[i]->rank : rank;
    }
    return rank;
}

/* An assignment x[n = e] = v runs over the points of v and e: n is no loop of it. */
static bool is_assigned(const tg_op *user, const tg_axis *a) {
    const tg_attr *axes = tg_x86_is_set(user) ? tg_op_attr(user, TG_ATTR_AXES) : NULL;
    return axes && tg_axes_contain(axes->axes, axes->n_axes, a);
}

/* Loops over axes outside those of the value, such as the heads that turn by the same angles, would compute it again and again. */
static bool is_repeated(const choice *s, const tg_value *v, const tg_op *user) {
    const tg_type *t = v->type;
    bool repeated = false;
    for (uint32_t i = 0; i < t->n_axes; i++) {
        if (t->axes[i]->kind == TG_AXIS_LOCAL && t->axes[i]->extent <= 0) {
            return false; /* a buffer of any size */
        }
    }
    for (uint32_t i = 0; user->n_results > 0 && i < tg_result(user, 0)->type->n_axes; i++) {
        const tg_axis *a = tg_result(user, 0)->type->axes[i];
        repeated |= a->rank < innermost_rank(t) && !tg_type_has_axis(t, a) && !is_assigned(user, a) && s->x->ranges[a->rank].bound != 1;
    }
    return repeated;
}

/* Users that evaluate an operand many times, or at a place of their own. */
static bool wants_buffer(const choice *s, const tg_value *v) {
    const tg_op *op = v->def;
    uint32_t cost = s->costs[v->id];
    bool plain_load = op->opcode == TG_OP_LOAD ||
                      (op->opcode == TG_OP_CAST && tg_operand(op, 0)->def && tg_operand(op, 0)->def->opcode == TG_OP_LOAD);
    for (const tg_use *u = v->uses; u; u = u->next) {
        if (u->user->opcode == TG_OP_DOT && tg_x86_dot_wants_buffer(s->x, u, !plain_load && cost > 0)) {
            return true;
        }
        if (u->user->opcode == TG_OP_REINDEX && u->user->operands[0].value == v && cost > 4) {
            return true;
        }
        if (u->user->parent != op->parent && cost > 4) {
            return true;
        }
        if (cost > REPEATED && is_repeated(s, v, u->user)) {
            return true;
        }
    }
    return cost > EXPENSIVE && s->sinks[v->id] == &many;
}

/* The operand through which an elementwise op continues a chain: the only one with all of its axes that nothing else reads. */
static const tg_value *continued(const tg_op *op) {
    const tg_value *from = NULL, *v = tg_result(op, 0);
    for (uint32_t i = 0; tg_op_is_elementwise(op->opcode) && i < op->n_operands; i++) {
        const tg_value *k = tg_operand(op, i);
        bool continues = k->def && k->def->parent == op->parent && k->uses && !k->uses->next && tg_type_same_axes(k->type, v->type) &&
                         (k->def->opcode == TG_OP_DOT || tg_op_is_elementwise(k->def->opcode));
        bool leaf = continues && k->def->opcode != TG_OP_DOT && !continued(k->def);
        from = continues && !leaf ? k : from;
    }
    return from;
}

/* Is it what several roots make of the results of a dot, which then has to be kept instead of them? */
static bool finishes_dot(const choice *s, const tg_op *op) {
    const tg_value *v = tg_result(op, 0), *from = continued(op);
    if (!from || s->sinks[v->id] != &many) {
        return false;
    }
    while (from->def->opcode != TG_OP_DOT) {
        from = continued(from->def);
    }
    return tg_dtype_size(v->type->dtype) <= tg_dtype_size(from->type->dtype) && tg_x86_dot_plan(s->x, from->def);
}

static bool baseline_inline(const tg_op *op) {
    return op->opcode == TG_OP_IOTA || op->opcode == TG_OP_BROADCAST;
}

static tg_x86_mode mode_of(const choice *s, const tg_op *op) {
    if (!tg_x86_can_inline(op)) {
        return TG_X86_BUFFER;
    }
    if (s->x->options->baseline) {
        return baseline_inline(op) ? TG_X86_INLINE : TG_X86_BUFFER;
    }
    if (op->opcode == TG_OP_LOAD && !tg_x86_in_carry(s->x, op) && is_hazard(s, op)) {
        return TG_X86_BUFFER;
    }
    if (tg_x86_in_carry(s->x, op)) {
        return TG_X86_INLINE;
    }
    if (op->n_results > 1 || finishes_dot(s, op)) {
        return TG_X86_BUFFER;
    }
    return wants_buffer(s, tg_result(op, 0)) ? TG_X86_BUFFER : TG_X86_INLINE;
}

static void choose_costs(choice *s) {
    for (uint32_t i = 0; i < s->n_ops; i++) { /* operands first */
        tg_op *op = s->ops[i];
        for (uint32_t k = 0; k < op->n_results; k++) {
            s->costs[tg_result(op, k)->id] = (uint16_t)(tg_x86_can_inline(op) ? inline_cost(s, op) : 1);
        }
    }
}

static void choose_modes(choice *s) {
    for (uint32_t i = s->n_ops; i-- > 0;) { /* users first */
        tg_op *op = s->ops[i];
        for (uint32_t k = 0; k < op->n_results; k++) {
            tg_value *v = tg_result(op, k);
            if (v->type->kind == TG_TYPE_TILE && v->type->n_axes > 0) {
                find_sink(s, v);
                s->x->modes[v->id] = (uint8_t)mode_of(s, op);
            }
        }
    }
}

void tg_x86_choose_modes(tg_x86 *x, tg_region *region) {
    op_list ops = {0};
    collect(x, region, &ops);
    choice s = {x, ops.data, ops.len, TG_NEW_ARRAY(x->arena, tg_op *, x->f->next_value_id),
                TG_NEW_ARRAY(x->arena, tg_op *, x->f->next_op_id),
                TG_NEW_ARRAY(x->arena, uint16_t, x->f->next_value_id),
                TG_NEW_ARRAY(x->arena, uint32_t, x->f->next_op_id)};
    for (uint32_t i = 0; i < s.n_ops; i++) {
        s.order[s.ops[i]->id] = i + 1;
        tg_x86_is_carry(x, s.ops[i]); /* outermost first */
        tg_x86_note_set(x, s.ops[i]);
    }
    choose_costs(&s);
    choose_modes(&s);
}
