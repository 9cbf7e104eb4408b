/* Which axis of a nest runs in vector lanes, how many lanes, how many vectors per iteration.
 *
 * Each access in the nest votes: for the axis along which it is contiguous, against axes along which it would gather.
 * Ties go to an axis that is not reduced. Iterations hold several vectors when a vector is little work. */
#include "targets/x86/memory/memory.h"
#include "targets/x86/nest/nest.h"
#include "targets/x86/ops/ops.h"

enum { UNKNOWN = INT32_MIN, MAX_UNROLL = 8, MAX_STEPS = 2000, SHORTEST_BITS = 128, LONG = 12, CHAINS = 4, LIGHT = 24, FEW_STEPS = 16, CLOSE_SCORE = 4 };

/* Inside the tile that an op indexes, the axes it names stand for its index expressions. */
typedef struct binding {
    const struct binding *outer;
    const tg_op *op;
    uint32_t first; /* operand of the first index */
} binding;

static const tg_value *bound_to(const binding *e, const tg_axis *a) {
    const tg_attr *axes = tg_op_attr(e->op, TG_ATTR_AXES);
    for (uint32_t i = 0; i < axes->n_axes; i++) {
        if (axes->axes[i] == a) {
            return tg_operand(e->op, e->first + i);
        }
    }
    return NULL;
}

static int64_t coefficient_in(const tg_value *v, const tg_axis *a, const binding *e, int *steps);

/* Of the index of axis `of`. */
static int64_t axis_coefficient(const tg_axis *of, const tg_axis *a, const binding *e, int *steps) {
    for (; e; e = e->outer) {
        const tg_value *index = bound_to(e, of);
        if (index) {
            return coefficient_in(index, a, e->outer, steps);
        }
    }
    return of == a;
}

/* 0 if no operand depends on the axis. */
static int64_t opaque(const tg_op *op, const tg_axis *a, const binding *e, int *steps) {
    for (uint32_t i = 0; i < op->n_operands; i++) {
        const tg_value *v = tg_operand(op, i);
        if (v->type->kind == TG_TYPE_TILE && coefficient_in(v, a, e, steps) != 0) {
            return UNKNOWN;
        }
    }
    return 0;
}

static int64_t coefficient_in(const tg_value *v, const tg_axis *a, const binding *e, int *steps) {
    if (v->type->n_axes == 0 || (!e && !tg_type_has_axis(v->type, a))) {
        return 0;
    }
    const tg_op *op = v->def;
    int64_t p, q, c;
    if (!op || ++*steps > MAX_STEPS) {
        return UNKNOWN;
    }
    switch ((int)op->opcode) {
    case TG_OP_IOTA:
        return axis_coefficient(tg_op_axis(op, TG_ATTR_AXIS), a, e, steps);
    case TG_OP_BROADCAST:
        return coefficient_in(tg_operand(op, 0), a, e, steps);
    case TG_OP_ADD:
    case TG_OP_SUB:
        p = coefficient_in(tg_operand(op, 0), a, e, steps);
        q = coefficient_in(tg_operand(op, 1), a, e, steps);
        return p == UNKNOWN || q == UNKNOWN ? UNKNOWN : op->opcode == TG_OP_ADD ? p + q : p - q;
    case TG_OP_MUL:
        for (uint32_t i = 0; i < 2; i++) {
            if (tg_value_const_int(tg_operand(op, i), &c)) {
                p = coefficient_in(tg_operand(op, 1 - i), a, e, steps);
                return p == UNKNOWN ? UNKNOWN : p * c;
            }
        }
        return opaque(op, a, e, steps);
    case TG_OP_REM: /* most vectors of an index that wraps round the size of a tensor are not where it does */
        return tg_operand(op, 1)->def && tg_operand(op, 1)->def->opcode == TG_OP_DIM ? coefficient_in(tg_operand(op, 0), a, e, steps)
                                                                                   : opaque(op, a, e, steps);
    case TG_OP_MIN:
    case TG_OP_MAX: /* nor where it stops at an edge */
        return tg_operand(op, 1)->type->n_axes == 0 ? coefficient_in(tg_operand(op, 0), a, e, steps) : opaque(op, a, e, steps);
    default:
        return opaque(op, a, e, steps);
    }
}

/* Constant coefficient of `a` in an index, or UNKNOWN. */
static int64_t coefficient(const tg_value *v, const tg_axis *a, const binding *e) {
    int steps = 0;
    return coefficient_in(v, a, e, &steps);
}

typedef struct votes {
    tg_x86 *x;
    const tg_axis *axis;
    int score;
    int ops;
    int height; /* instructions that wait for each other */
    bool scalar_only;
    bool wide; /* 64-bit elements are moved */
    bool narrow;
    int least_bits; /* of the elements that come out: stored, or reduced as integers */
    bool pieces; /* lanes that are read or written one by one, or complex: wide values are much code */
    bool branches; /* code in parts, between which all lanes are kept */
    bool near; /* an operand is in the first level: scratch, or what other points or nests read as well; or its elements are short */
    bool quotients; /* with one test for all registers of a wide value (quotient.c) */
    tg_map *seen;
    const binding *env;
    const tg_x86_nest *nest;
    bool channels; /* the root in question stores whole points of a few elements */
} votes;

/* Does a loop over reduced axes repeat what the lanes do without this access? */
static bool is_outside_loops(const votes *s, const tg_op *op) {
    const tg_x86_nest *n = s->nest;
    int64_t steps = 1;
    for (uint32_t i = 0; i < n->n_inner; i++) {
        const tg_axis *a = n->inner[i];
        int64_t bound = s->x->ranges[a->rank].bound;
        if (a == s->axis || s->env || op->n_results == 0 || tg_type_has_axis(tg_result(op, 0)->type, a)) {
            return false;
        }
        steps = bound && steps < FEW_STEPS ? steps * bound : FEW_STEPS;
    }
    return steps >= FEW_STEPS;
}

/* Lanes a few elements apart are whole vectors and a shuffle (strided.c); stored, with registers for masks. */
static bool is_close(int64_t coefficient) {
    return coefficient >= 2 && coefficient <= TG_X86_CLOSE_LANES;
}

static bool is_read_once(const votes *s, const tg_op *load) {
    const tg_x86_nest *n = s->nest;
    const tg_type *type = tg_result(load, 0)->type;
    bool apart = n->n_outer == 0;
    for (uint32_t i = 0; i < n->n_outer; i++) {
        apart |= tg_type_has_axis(type, n->outer[i]);
    }
    return apart && !s->env && tg_x86_used_only_in(s->x, n, tg_result(load, 0));
}

static void vote_access(votes *s, const tg_op *op) {
    uint32_t n = tg_op_n_indices(op);
    bool unit = false, depends = false, gathers = false;
    bool store = op->opcode == TG_OP_STORE || op->opcode == TG_OP_ATOMIC; /* scatters cost more than gathers */
    bool whole = op->opcode == TG_OP_STORE && s->channels;
    bool may_be_close = !store || (op->opcode == TG_OP_STORE && s->x->machine->has_masks);
    for (uint32_t d = 0; d < n; d++) {
        int64_t c = coefficient(tg_op_index(op, d), s->axis, s->env);
        int64_t packed = c == 1 && d + 1 < n ? tg_x86_packed_stride(s->x, tg_operand(op, 0), d) : 0;
        bool close = (d + 1 == n && may_be_close && is_close(c)) || (is_close(packed) && (may_be_close || whole));
        bool run = c == 1 && (d + 1 == n || packed == 1);
        depends |= c != 0;
        unit |= run || (whole && is_close(packed));
        gathers |= c != 0 && !run && !close;
    }
    s->pieces |= gathers || tg_dtype_kind_of(tg_operand(op, 0)->type->dtype) == TG_KIND_COMPLEX;
    int worse = is_outside_loops(s, op) ? -1 : store ? -12 : -8;
    s->score += !depends ? 0 : gathers ? worse : !unit ? CLOSE_SCORE : store ? 12 : 10;
    tg_dtype t = tg_operand(op, 0)->type->dtype;
    int bits = tg_dtype_bits(tg_dtype_real(t));
    s->near |= op->opcode == TG_OP_LOAD && depends && (bits < 32 || !is_read_once(s, op));
    s->scalar_only |= bits == 4 && op->opcode == TG_OP_STORE;
    s->wide |= bits >= 64;
    s->narrow |= bits < 64;
    s->least_bits = store && bits < s->least_bits ? bits : s->least_bits;
}

static bool is_run(int64_t coefficient) {
    return coefficient == 1 || coefficient == -1;
}

static void vote_buffer(votes *s, const tg_x86_buffer *b) {
    bool depends = false, run = false, close = false;
    for (uint32_t i = 0; i < b->n_axes; i++) {
        int steps = 0;
        int64_t c = axis_coefficient(b->axes[i], s->axis, s->env, &steps);
        bool last = i + 1 == b->n_axes && !depends;
        run = last && is_run(c);
        close = last && is_close(c) && b->capacity; /* others may be read as columns: transpose.c */
        depends |= c != 0;
    }
    s->near |= depends;
    s->pieces |= (depends && !run && !close) || tg_dtype_kind_of(b->dtype) == TG_KIND_COMPLEX;
    s->score += !depends ? 0 : run ? 10 : close ? CLOSE_SCORE : -8;
    int bits = tg_dtype_bits(tg_dtype_real(b->dtype));
    s->wide |= bits >= 64;
    s->narrow |= bits < 64;
}

/* A partial assignment writes a buffer whose innermost axis is the one chosen here, or the last. */
static void vote_set(votes *s, const tg_op *op) {
    const tg_attr *axes = tg_op_attr(op, TG_ATTR_AXES);
    const tg_type *type = tg_result(op, 0)->type;
    bool depends = tg_type_has_axis(type, s->axis), run = depends;
    for (uint32_t i = 0; i < axes->n_axes && !run; i++) {
        int64_t c = coefficient(tg_operand(op, 2 + i), s->axis, s->env);
        depends |= c != 0;
        run = is_run(c) && axes->axes[i] == type->axes[type->n_axes - 1];
    }
    s->score += !depends ? 0 : run ? 12 : -12;
    int bits = tg_dtype_bits(tg_dtype_real(type->dtype));
    s->wide |= bits >= 64;
    s->narrow |= bits < 64;
}

/* These give the height of what they have met. */
static int vote_value(votes *s, const tg_value *v);
static int vote_operands(votes *s, const tg_op *op);

static int greater(int a, int b) {
    return a > b ? a : b;
}

static int *height_slot(votes *s, int height) {
    return TG_COPY_ARRAY(s->x->arena, int, &height, 1);
}

/* Of a loop that is run point by point: what it computes. */
static void vote_body(votes *s, const tg_op *loop) {
    for (const tg_op *op = loop->regions[0].body.first; op; op = op->next) {
        bool tile = op->n_results && tg_result(op, 0)->type->n_axes > 0;
        if (op->opcode == TG_OP_FOR || (tile && !tg_map_has(s->seen, tg_result(op, 0)))) {
            tg_map_set(s->seen, tg_result(op, 0), height_slot(s, 1));
            vote_operands(s, op);
        }
    }
}

static int vote_operands(votes *s, const tg_op *op) {
    int height = 0;
    s->ops++;
    s->branches |= op->opcode == TG_OP_MAP;
    s->quotients |= tg_x86_is_shared_quotient(s->x, op, s->axis);
    if (op->opcode == TG_OP_FOR) {
        vote_body(s, op);
    }
    bool tensor = op->opcode == TG_OP_LOAD || op->opcode == TG_OP_STORE || op->opcode == TG_OP_ATOMIC || op->opcode == TG_OP_CAS;
    if (tensor) {
        vote_access(s, op);
    }
    if (op->opcode == TG_OP_REINDEX) {
        binding here = {s->env, op, 1};
        s->env = &here;
        height = vote_value(s, tg_operand(op, 0));
        s->env = here.outer;
    } else if (op->opcode == TG_OP_REINDEX_SET) {
        vote_set(s, op);
    }
    uint32_t n_indices = tensor ? tg_op_n_indices(op) : 0;
    for (uint32_t i = tensor || op->opcode == TG_OP_REINDEX || op->opcode == TG_OP_REINDEX_SET ? 1 : 0; i < op->n_operands; i++) {
        bool index = op->opcode == TG_OP_LOAD && i <= n_indices;
        if (!index || coefficient(tg_operand(op, i), s->axis, s->env) == UNKNOWN) {
            height = greater(height, vote_value(s, tg_operand(op, i)));
        }
    }
    return height + (op->opcode != TG_OP_BROADCAST);
}

static int vote_value(votes *s, const tg_value *v) {
    if (v->type->kind != TG_TYPE_TILE || v->type->n_axes == 0) {
        return 0;
    }
    int *height = tg_map_get(s->seen, v);
    if (height) {
        return *height;
    }
    height = height_slot(s, 0);
    tg_map_set(s->seen, v, height);
    int ops = s->ops;
    const tg_x86_buffer *b = s->x->buffers[v->id];
    if (b) {
        vote_buffer(s, b);
    } else if (v->def) {
        *height = vote_operands(s, v->def);
    }
    if (!s->env && !tg_type_has_axis(v->type, s->axis)) {
        *height = 0; /* computed outside the loop */
        s->ops = ops;
    }
    return *height;
}

static votes count_votes(tg_x86 *x, tg_x86_nest *n, const tg_axis *a) {
    votes s = {.x = x, .axis = a, .least_bits = 32, .seen = tg_map_create(x->arena), .nest = n};
    for (uint32_t i = 0; i < n->roots.len; i++) {
        const tg_x86_root *r = &n->roots.data[i];
        uint32_t root[TG_X86_CLOSE_LANES];
        s.channels = tg_x86_channel_stores(x, n, i, root) > 0;
        if (r->to) {
            vote_buffer(&s, r->to);
        }
        s.height = greater(s.height, r->op ? vote_operands(&s, r->op) : vote_value(&s, r->value));
        for (uint32_t k = 0; r->op && r->kind != TG_X86_ROOT_SET && k < r->op->n_results; k++) {
            const tg_x86_buffer *b = x->buffers[tg_result(r->op, k)->id];
            if (b) {
                vote_buffer(&s, b);
            }
            tg_dtype t = tg_dtype_real(tg_result(r->op, k)->type->dtype);
            s.wide |= tg_dtype_bits(t) >= 64;
            bool folds = r->kind == TG_X86_ROOT_REDUCE && (tg_dtype_kind_of(t) == TG_KIND_SINT || tg_dtype_kind_of(t) == TG_KIND_UINT);
            s.least_bits = folds && tg_dtype_bits(t) < s.least_bits ? tg_dtype_bits(t) : s.least_bits;
        }
    }
    return s;
}

bool tg_x86_suits_vector(tg_x86 *x, tg_x86_nest *n, const tg_axis *a) {
    votes v = count_votes(x, n, a);
    return v.score >= 0 && !v.scalar_only;
}

static bool is_scalar_kind(const tg_x86 *x, const tg_x86_nest *n) {
    const tg_x86_root *r = &n->roots.data[0];
    return r->kind == TG_X86_ROOT_EFFECT || (r->kind == TG_X86_ROOT_ATOMIC && !tg_x86_is_plain_atomic(x, r->op));
}

/* Are the lanes along the axis consecutive elements of what an atomic operation changes, so that no two are the same? */
static bool changes_run(const tg_op *op, const tg_axis *a) {
    uint32_t n = tg_op_n_indices(op);
    bool run = n > 0 && coefficient(tg_op_index(op, n - 1), a, NULL) == 1;
    for (uint32_t d = 0; run && d + 1 < n; d++) {
        run = coefficient(tg_op_index(op, d), a, NULL) == 0;
    }
    return run;
}

static bool inner_may_run_in_lanes(const tg_x86 *x, const tg_x86_nest *n) {
    for (uint32_t i = 0; i < n->roots.len; i++) {
        const tg_op *op = n->roots.data[i].op;
        bool ordered = n->roots.data[i].kind == TG_X86_ROOT_SCAN && !tg_x86_scans_lanes(x, op);
        if (ordered || (op && op->opcode == TG_OP_REDUCE_FN)) {
            return false;
        }
    }
    return true;
}

/* An axis of 4 has vectors of 4 even where the machine has longer ones: without lanes beyond its end nothing needs a mask. */
static uint32_t fitting_lanes(uint32_t lanes, int64_t bound, int element_bits) {
    while (bound && bound * 2 <= lanes && lanes * (uint32_t)element_bits > SHORTEST_BITS) {
        lanes /= 2;
    }
    return lanes;
}

/* Lanes beyond the axis's end do nothing: worse than gathers when most of a vector is empty. Vectors shorter than the machine's do less. */
static int short_penalty(const tg_x86 *x, int64_t bound) {
    int most = x->machine->vector_bits / 32, lanes = (int)fitting_lanes((uint32_t)most, bound, 32);
    int empty = !bound || bound >= lanes ? 0 : bound * 4 <= lanes ? 400 : bound * 2 <= lanes ? 100 : 20;
    return empty + (lanes < most ? 20 : 0);
}

/* Lanes of a reduced axis are folded at each point: of a short axis, more work than all the rest. */
static int fold_penalty(const tg_x86 *x, int64_t bound) {
    return bound && bound <= 8 * (x->machine->vector_bits / 32) ? 60 : 1;
}

static bool may_run_in_lanes(const tg_x86 *x, const tg_x86_nest *n, uint32_t i) {
    const tg_axis *a = i < n->n_outer ? n->outer[i] : n->inner[i - n->n_outer];
    bool apart = true;
    for (uint32_t k = 0; k < n->roots.len; k++) {
        apart = apart && (n->roots.data[k].kind != TG_X86_ROOT_ATOMIC || changes_run(n->roots.data[k].op, a));
    }
    return apart && x->ranges[a->rank].bound != 1 && (i < n->n_outer || inner_may_run_in_lanes(x, n));
}

/* An axis of one point does what `vector(a) = 1` asks; a longer vector is asked of tensors that have more points. */
static bool is_point_obeying(const tg_x86 *x, const tg_axis *a, int64_t width) {
    return x->ranges[a->rank].bound == 1 && (width == 1 || x->options->tensors);
}

/* A scan along its lanes carries the last one to the next vector. */
static void one_vector_if_scanned(tg_x86_nest *n) {
    if (n->vector && n->roots.data[0].kind == TG_X86_ROOT_SCAN && tg_axes_contain(n->inner, n->n_inner, n->vector)) {
        n->lanes = n->narrow;
        n->unroll = 1;
    }
}

/* The number of points if that is a constant; 0 if it is not. */
static int64_t points_of(const tg_x86 *x, const tg_axis *a) {
    int64_t size;
    const tg_x86_range *r = &x->ranges[a->rank];
    return tg_llvm_is_const(r->size, &size) && size == r->bound ? size : 0;
}

/* Chains of assignments read pieces of memory and blocks that are transposed, stores of complex numbers are pairs of lanes: under a mask these are gathers, and
 * masks that are shuffled. */
static bool is_slow_under_masks(const tg_x86_nest *n) {
    const tg_x86_root *r = &n->roots.data[0];
    bool pairs = r->kind == TG_X86_ROOT_STORE && tg_dtype_kind_of(tg_operand(r->op, 0)->type->dtype) == TG_KIND_COMPLEX;
    return pairs || r->kind == TG_X86_ROOT_SET;
}

/* Points that no whole number of vectors takes: the last one begins earlier, at points that have had their turn. Vectors of the length that takes the
 * least time; where a long one takes two turns of the units, 20 points are three of 8 rather than two of 16. */
static void overlap_vectors(const tg_x86 *x, tg_x86_nest *n, uint32_t width) {
    bool may = n->vector && is_slow_under_masks(n) && tg_x86_may_overlap(x, n);
    int64_t points = may ? points_of(x, n->vector) : 0, least = INT64_MAX;
    uint32_t most = n->lanes;
    if (points < 4 || points % most == 0) {
        return;
    }
    for (uint32_t lanes = most; lanes >= 4; lanes /= 2) {
        bool halves = x->machine->halves && lanes * width == 512;
        int64_t turns = (points + lanes - 1) / lanes * (halves ? 2 : 1);
        if (lanes <= points && turns < least) {
            least = turns;
            n->lanes = lanes;
        }
    }
    n->narrow = n->lanes;
    n->unroll = 1;
    n->overlaps = points % n->lanes != 0;
}

/* `vector(a) = w`: w elements per iteration, in as many vectors as that takes. True if the nest has such an axis. */
static bool choose_scheduled(tg_x86 *x, tg_x86_nest *n) {
    for (uint32_t i = 0; i < n->n_outer + n->n_inner; i++) {
        tg_axis *a = i < n->n_outer ? n->outer[i] : n->inner[i - n->n_outer];
        const tg_sched_item *item = tg_x86_sched_vector(x, a);
        int64_t width = item ? item->integer : 0;
        if (item && is_point_obeying(x, a, width)) {
            tg_x86_sched_obey(x, item);
        }
        if (!item || (width & (width - 1)) || !may_run_in_lanes(x, n, i)) {
            continue;
        }
        votes v = count_votes(x, n, a);
        int64_t most = x->machine->vector_bits / (v.wide && !v.narrow ? 64 : 32), bound = x->ranges[a->rank].bound;
        while (bound && width >= 2 * bound) {
            width /= 2;
        }
        if (v.scalar_only || width > MAX_UNROLL * most) {
            continue;
        }
        n->lanes = (uint32_t)(width < most ? width : most);
        n->narrow = n->lanes;
        n->unroll = (uint32_t)(width / n->lanes);
        n->vector = n->lanes > 1 ? a : NULL;
        one_vector_if_scanned(n);
        if (n->unroll == 1) {
            overlap_vectors(x, n, v.wide && !v.narrow ? 64 : 32);
        }
        tg_x86_sched_obey(x, item);
        return true;
    }
    return false;
}

/* A function like exp is one long chain: each instruction waits for the one before, four or five cycles, and the processor sees
 * too few of the next iteration's to fill them. A value of several registers' lanes is as many chains, whose instructions alternate.
 * Many chains side by side, as of a butterfly or a network that sorts, fill the registers as they are. */
static bool is_long_chain(const tg_x86_nest *n, const votes *v) {
    bool lone = v->height >= LONG && v->ops < (int)CHAINS * v->height;
    return (lone || v->quotients) && !v->wide && n->roots.data[0].kind != TG_X86_ROOT_SET;
}

/* Is the axis in an index of the chain? */
static bool is_in_index(const tg_x86_nest *n, const tg_axis *a) {
    bool in = false;
    for (uint32_t i = 0; i < n->roots.len; i++) {
        const tg_x86_root *r = &n->roots.data[i];
        for (uint32_t k = 2; r->kind == TG_X86_ROOT_SET && k < r->op->n_operands; k++) {
            in |= tg_type_has_axis(tg_operand(r->op, k)->type, a);
        }
    }
    return in;
}

/* A partner for the vector axis (runs.c): rows, with all their points, or else what makes up for the axis being short, of which some may be left over if it
 * is around the vector axis. Only in chains, with extents that need no mask. */
static void choose_partner(const tg_x86 *x, tg_x86_nest *n, uint32_t most) {
    bool chain = n->vector && x->unit && n->roots.data[0].kind == TG_X86_ROOT_SET && n->n_inner == 0 && n->unroll == 1 && n->lanes <= most;
    int64_t length = chain ? points_of(x, n->vector) : 0;
    bool around = false; /* the vector axis runs inside this one */
    for (uint32_t i = n->n_outer; length > 0 && i-- > 0 && !n->partner;) {
        int64_t points = points_of(x, n->outer[i]);
        around |= n->outer[i] == n->vector;
        n->rows = !is_in_index(n, n->outer[i]);
        bool rows = points > 1 && points < most && most % points == 0 && length % (most / points) == 0;
        bool fills = length < most && most % length == 0 && (points % (most / length) == 0 ? points > 0 : around && points > most / length);
        n->partner = n->outer[i] != n->vector && (n->rows ? rows : fills) ? n->outer[i] : NULL;
    }
    if (n->partner) {
        n->lanes = n->narrow = most;
    }
}

/* Short elements fill a register of the machine's: one wide value instead of as many vectors of a quarter or a half of one. What they were computed
 * from is then several registers, which the conversion packs. Columns that are reduced are as many vectors then as of long elements: of each row, whole
 * lines. */
static void fill_registers(const tg_x86 *x, tg_x86_nest *n, const votes *v) {
    bool whole = !v->pieces && !v->wide && n->roots.data[0].kind != TG_X86_ROOT_SET;
    bool columns = n->n_inner > 0 && tg_axes_contain(n->outer, n->n_outer, n->vector);
    int64_t bound = x->ranges[n->vector->rank].bound;
    while (whole && n->lanes * (uint32_t)v->least_bits < (uint32_t)x->machine->vector_bits) {
        bool more = columns && (!bound || bound >= 2 * (int64_t)n->lanes * n->unroll);
        if (!more && n->unroll == 1) {
            break;
        }
        n->lanes *= 2;
        n->unroll /= more ? 1 : 2;
    }
}

/* Does the vector axis run over a segment, from one place in a table to another? Segments are often shorter than a few vectors. */
static bool is_segment(const tg_x86_nest *n) {
    const tg_op *binder = n->vector->binder;
    bool inside = tg_axes_contain(n->inner, n->n_inner, n->vector);
    return inside && binder && binder->opcode == TG_OP_AXIS && !tg_x86_is_launch_value(tg_operand(binder, 1));
}

/* Of which the position of an extreme is sought? Each vector would have accumulators that take long to merge. */
static bool seeks_in_segment(const tg_x86_nest *n) {
    bool seeks = false;
    for (uint32_t i = 0; i < n->roots.len && n->segment; i++) {
        const tg_x86_root *r = &n->roots.data[i];
        tg_enum fn = r->kind == TG_X86_ROOT_REDUCE && r->op->opcode == TG_OP_REDUCE ? tg_op_enum(r->op, TG_ATTR_FN, TG_FN_ADD) : TG_FN_ADD;
        seeks = seeks || fn == TG_FN_ARGMIN || fn == TG_FN_ARGMAX;
    }
    return seeks;
}

static bool only_reduces_rows(const tg_x86_nest *n) {
    bool only = n->n_inner == 1 && n->inner[0] == n->vector;
    for (uint32_t i = 0; i < n->roots.len && only; i++) {
        only = n->roots.data[i].kind == TG_X86_ROOT_REDUCE && (n->segment || tg_x86_acc_regroups(n->roots.data[i].op));
    }
    return only;
}

/* Where an operation on a whole register takes two turns, twice as many on halves take as long, and the processor, whose window holds half as many bytes
 * then, has rows from afar come sooner: sums of 4096x4096, Zen 4, 29 -> 34 GB/s. From the first level, whole registers are faster. A segment is more whole
 * vectors of halves, which are folded in one step less: sums of 40 elements 7.5 -> 5.1 us, maxima of ten 29 -> 20. */
static void halve_registers(const tg_x86 *x, tg_x86_nest *n, const votes *v) {
    bool whole = n->lanes * (v->wide ? 64u : 32u) == 512;
    bool open = !x->ranges[n->vector->rank].bound && n->light && n->unroll > 1 && 2 * n->unroll <= MAX_UNROLL;
    if (x->machine->halves && whole && only_reduces_rows(n) && (n->segment || (open && !v->near))) {
        n->lanes /= 2;
        n->narrow = n->lanes;
        n->unroll *= n->segment ? 1 : 2;
    }
}

static void choose_vector(tg_x86 *x, tg_x86_nest *n) {
    n->vector = n->partner = NULL;
    n->overlaps = n->segment = false;
    n->unroll = n->lanes = n->narrow = 1;
    bool gathers = x->options->strides == TG_STRIDES_GENERAL; /* all code is for any stride: lanes gather */
    if (x->options->baseline || (!x->unit && !gathers) || is_scalar_kind(x, n)) {
        return;
    }
    if (choose_scheduled(x, n)) {
        return;
    }
    enum { FEW_CHANNELS = 400 }; /* in lanes: hardly ever */
    int best = INT32_MIN;
    votes chosen = {0};
    for (uint32_t i = 0; i < n->n_outer + n->n_inner; i++) {
        bool inside = i >= n->n_outer;
        tg_axis *a = inside ? n->inner[i - n->n_outer] : n->outer[i];
        int64_t bound = x->ranges[a->rank].bound;
        if (!may_run_in_lanes(x, n, i)) {
            continue;
        }
        votes v = count_votes(x, n, a);
        if (!v.scalar_only && !gathers) {
            tg_x86_offer_vector(x, a, x->machine->vector_bits / (v.wide && !v.narrow ? 64 : 32));
        }
        int score = 4 * v.score - short_penalty(x, bound) - (inside ? fold_penalty(x, bound) : 0) + (int)(i < 8 ? i : 8) / 4;
        score -= a == n->channels ? FEW_CHANNELS : 0;
        if (score > best) {
            best = score;
            n->vector = a;
            chosen = v;
        }
    }
    /* Few lanes, no access in order and little to do with what is gathered, or rows side by side whose every element waits for the one
     * before and goes to memory: scalar code is better. */
    bool side_by_side = n->roots.data[0].kind == TG_X86_ROOT_SCAN && tg_axes_contain(n->outer, n->n_outer, n->vector);
    bool only_gathers = chosen.score < 0 && (side_by_side || (best < -90 && chosen.ops < -chosen.score));
    if (!n->vector || chosen.scalar_only || only_gathers) {
        n->light = !gathers && n->n_outer > 0 && count_votes(x, n, n->outer[n->n_outer - 1]).ops <= LIGHT;
        n->vector = NULL;
        return;
    }
    int width = chosen.wide && !chosen.narrow ? 64 : 32;
    n->segment = is_segment(n);
    n->long_chain = is_long_chain(n, &chosen) && !gathers;
    n->light = !gathers && !n->long_chain && chosen.ops <= LIGHT;
    n->lanes = (uint32_t)(x->machine->vector_bits / width);
    n->unroll = gathers || n->long_chain ? 1 : seeks_in_segment(n) ? 2 : chosen.ops <= 8 ? 4 : chosen.ops <= LIGHT ? 2 : 1;
    int64_t bound = x->ranges[n->vector->rank].bound;
    n->lanes = fitting_lanes(n->lanes, bound, width);
    n->narrow = n->lanes;
    uint32_t chains = !n->long_chain ? 1 : chosen.pieces || chosen.branches ? CHAINS / 2 : CHAINS;
    while (n->lanes < chains * n->narrow && (!bound || bound >= 2 * n->lanes)) {
        n->lanes *= 2;
    }
    while (bound && n->unroll > 1 && n->unroll * n->lanes > bound) {
        n->unroll /= 2;
    }
    fill_registers(x, n, &chosen);
    halve_registers(x, n, &chosen);
    if (n->lanes < 2) {
        n->vector = NULL;
    }
    one_vector_if_scanned(n);
    choose_partner(x, n, (uint32_t)(x->machine->vector_bits / width));
    overlap_vectors(x, n, (uint32_t)width);
}

void tg_x86_choose_vector(tg_x86 *x, tg_x86_nest *n) {
    tg_axis *channels = tg_x86_channel_axis(x, n);
    n->channels = channels;
    choose_vector(x, n);
    n->channels = NULL;
    if (channels && n->vector && n->vector != channels && !n->partner) {
        tg_x86_put_channels_inside(n, channels);
    }
}
