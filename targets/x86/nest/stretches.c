/* Stretches of an axis in which conditions on its index do not change.
 *
 *   Y[d] = d < E ? -X[d + E] : X[d - E]         with a table at d % E, as of rotations of a part of each head
 *
 *     for d in [0, E):      -X[d + E]           the table at d
 *     for d in [E, 2 E):     X[d - E]           … at d - E
 *     for d in [2 E, D):     X[d - E]           … at d % E
 *
 * Everywhere in one both branches would be computed, one of them outside the tensor, and the remainder of a division would be an element of its own
 * for each lane. So nests of stores run once for each stretch, if the indices where conditions change are known at launch, in a
 * proved order, and not just the borders. What is known of comparisons and quotients is asked by their evaluation (eval.c), by the search for the
 * interior, and by the vote for lanes. */
#include "targets/x86/memory/memory.h"
#include "targets/x86/nest/nest.h"

enum { MOST_BOUNDS = 3, MOST_OPS = 32, LEAST_CONSTANT = 16 };
static const int64_t FAR = (INT64_C(1) << 62) - 1;

/* Where a comparison changes: at `value` + plus, or at the second multiple of it. */
typedef struct bound {
    tg_affine at;
    tg_value *value;
    int64_t plus;
    bool twice;
} bound;

typedef struct finder {
    tg_x86 *x;
    const tg_x86_nest *n;
    tg_axis *axis;
    tg_map *seen;
    const tg_op *ops[MOST_OPS]; /* comparisons that choose, and quotients */
    uint32_t n_ops;
    bound bounds[MOST_BOUNDS];
    uint32_t n_bounds;
    bool fits;
} finder;

/* ---- comparisons and quotients --------------------------------------------------------------------------------- */

static tg_axis *axis_of(const tg_value *v) {
    while (v->def && v->def->opcode == TG_OP_BROADCAST) {
        v = tg_operand(v->def, 0);
    }
    return v->def && v->def->opcode == TG_OP_IOTA ? tg_op_axis(v->def, TG_ATTR_AXIS) : NULL;
}

static bool is_known_scalar(const tg_value *v) {
    return v->type->kind == TG_TYPE_TILE && v->type->n_axes == 0 && v->type->dtype == TG_I64 && tg_x86_is_launch_value(v);
}

static bool is_quotient(const tg_op *op) {
    return (op->opcode == TG_OP_REM || op->opcode == TG_OP_DIV) && axis_of(tg_operand(op, 0)) && is_known_scalar(tg_operand(op, 1));
}

/* `index < bound + plus` is what the comparison says, or that it is not so. */
typedef struct order {
    tg_axis *axis;
    tg_value *bound;
    int64_t plus;
    bool below;
} order;

static bool order_of(const tg_op *op, order *o) {
    if (op->opcode != TG_OP_CMP) {
        return false;
    }
    tg_enum pred = tg_op_enum(op, TG_ATTR_PRED, TG_EQ);
    bool turned = axis_of(tg_operand(op, 1)) != NULL, less = pred == TG_LT || pred == TG_LE, greater = pred == TG_GT || pred == TG_GE;
    bool strict = pred == TG_LT || pred == TG_GT;
    o->axis = axis_of(tg_operand(op, turned));
    o->bound = tg_operand(op, !turned);
    o->below = less != turned;
    o->plus = o->below == strict ? 0 : 1;
    return o->axis && (less || greater) && is_known_scalar(o->bound);
}

/* ---- what a nest computes ------------------------------------------------------------------------------------------ */

static bool has_load(const tg_value *v, const tg_axis *a) {
    const tg_op *op = tg_type_has_axis(v->type, a) ? v->def : NULL;
    bool has = op && op->opcode == TG_OP_LOAD;
    for (uint32_t i = 0; op && i < op->n_operands && !has && (tg_op_is_elementwise(op->opcode) || op->opcode == TG_OP_BROADCAST); i++) {
        has = tg_operand(op, i)->type->kind == TG_TYPE_TILE && has_load(tg_operand(op, i), a);
    }
    return has;
}

static bool choose_axis(finder *f, tg_axis *a) {
    f->axis = f->axis ? f->axis : a;
    return f->axis == a && tg_axes_contain(f->n->outer, f->n->n_outer, a);
}

static void note(finder *f, const tg_op *op) {
    f->fits = f->fits && f->n_ops < MOST_OPS;
    if (f->fits) {
        f->ops[f->n_ops++] = op;
    }
}

static void see_value(finder *f, const tg_value *v) {
    const tg_op *op = v->def;
    if (v->type->kind != TG_TYPE_TILE || v->type->n_axes == 0 || tg_map_has(f->seen, v)) {
        return;
    }
    tg_map_set(f->seen, v, f);
    f->fits = f->fits && op && !f->x->buffers[v->id] && (tg_op_is_elementwise(op->opcode) || op->opcode == TG_OP_BROADCAST ||
                                                        op->opcode == TG_OP_LOAD || op->opcode == TG_OP_IOTA || op->opcode == TG_OP_CONST);
    if (!f->fits) {
        return;
    }
    order o;
    const tg_op *test = op->opcode == TG_OP_SELECT ? tg_operand(op, 0)->def : NULL;
    bool chooses = test && order_of(test, &o) && (has_load(tg_operand(op, 1), o.axis) || has_load(tg_operand(op, 2), o.axis));
    if (chooses && choose_axis(f, o.axis)) {
        note(f, test);
    } else if (is_quotient(op)) {
        note(f, op);
    }
    for (uint32_t i = op->opcode == TG_OP_LOAD; i < op->n_operands; i++) {
        see_value(f, tg_operand(op, i));
    }
}

static bool see_roots(finder *f) {
    bool may = f->x->unit && !f->x->options->baseline && !f->x->f->block_dependent && f->n->n_inner == 0;
    f->fits = may;
    for (uint32_t i = 0; i < f->n->roots.len && f->fits; i++) {
        const tg_x86_root *r = &f->n->roots.data[i];
        f->fits = r->kind == TG_X86_ROOT_STORE;
        for (uint32_t k = 1; f->fits && k < r->op->n_operands; k++) {
            see_value(f, tg_operand(r->op, k));
        }
    }
    return f->fits && f->axis;
}

/* ---- bounds in order --------------------------------------------------------------------------------------------------- */

static bool is_at_least(const finder *f, const tg_affine *a, const tg_affine *b) {
    tg_affine d;
    return tg_affine_sub(f->x->arena, a, b, &d) && tg_prove_nonneg(f->x->arena, f->x->facts, &d);
}

/* Borders are few points, and are dealt with elsewhere (interior.c). */
static bool is_border(const finder *f, const tg_affine *at) {
    tg_affine extent, d;
    const tg_value *domain = f->axis->binder ? tg_operand(f->axis->binder, 0) : NULL;
    bool first = tg_affine_is_constant(at) && at->constant < LEAST_CONSTANT;
    bool known = domain && domain->type->kind == TG_TYPE_TILE && tg_affine_of(f->x->arena, domain, &extent);
    bool last = known && tg_affine_sub(f->x->arena, &extent, at, &d) && tg_affine_is_constant(&d) && d.constant < LEAST_CONSTANT;
    return first || last;
}

/* Puts the bound among those before it, if it is known where it belongs. */
static void add_bound(finder *f, bound b) {
    uint32_t at = 0;
    for (uint32_t i = 0; i < f->n_bounds; i++) {
        if (tg_affine_equal(&f->bounds[i].at, &b.at)) {
            return;
        }
    }
    while (at < f->n_bounds && is_at_least(f, &b.at, &f->bounds[at].at)) {
        at++;
    }
    bool fits = f->n_bounds < MOST_BOUNDS && !is_border(f, &b.at) && (at == f->n_bounds || is_at_least(f, &f->bounds[at].at, &b.at));
    for (uint32_t i = f->n_bounds; fits && i > at; i--) {
        f->bounds[i] = f->bounds[i - 1];
    }
    if (fits) {
        f->bounds[at] = b;
        f->n_bounds++;
    }
}

static bool bound_of(const finder *f, tg_value *v, int64_t plus, bool twice, bound *b) {
    tg_affine once;
    *b = (bound){.value = v, .plus = plus, .twice = twice};
    tg_affine_init(&b->at, f->x->arena, plus);
    return tg_affine_of(f->x->arena, v, &once) && tg_affine_add(&b->at, &once, twice ? 2 : 1);
}

/* The stretch before which the bound is; UINT32_MAX: it is no bound. */
static uint32_t place_of(const finder *f, tg_value *v, int64_t plus, bool twice) {
    bound b;
    bool known = bound_of(f, v, plus, twice, &b);
    for (uint32_t i = 0; i < f->n_bounds && known; i++) {
        if (tg_affine_equal(&f->bounds[i].at, &b.at)) {
            return i;
        }
    }
    return UINT32_MAX;
}

/* Those of comparisons; then, if a divisor is one, its double. */
static bool find_bounds(finder *f) {
    bound b;
    order o;
    for (uint32_t i = 0; i < f->n_ops; i++) {
        if (order_of(f->ops[i], &o) && bound_of(f, o.bound, o.plus, false, &b)) {
            add_bound(f, b);
        }
    }
    for (uint32_t i = 0; i < f->n_ops; i++) {
        tg_value *by = is_quotient(f->ops[i]) ? tg_operand(f->ops[i], 1) : NULL;
        if (by && place_of(f, by, 0, false) != UINT32_MAX && bound_of(f, by, 0, true, &b)) {
            add_bound(f, b);
        }
    }
    return f->n_bounds > 0;
}

/* ---- code ------------------------------------------------------------------------------------------------------------------ */

/* What is known while one of them is emitted. */
struct tg_x86_stretch {
    tg_axis *axis;
    tg_map *decided;               /* op → int64_t *: a comparison, 0 or 1; the quotient of an index */
    const tg_affine *least, *past; /* the indices are at least this, and below that; null: nothing is known */
};

/* No index is as far from 0 as FAR: a bound may be any number, but not its double. */
static LLVMValueRef value_of(tg_x86 *x, const bound *b) {
    LLVMValueRef v = tg_x86_scalar_of(x, b->value), plus = tg_llvm_i64(x->l, b->plus);
    v = tg_llvm_max64(x->l, tg_llvm_min64(x->l, v, tg_llvm_i64(x->l, FAR)), tg_llvm_i64(x->l, -FAR));
    v = b->twice ? LLVMBuildAdd(x->builder, v, v, "") : v;
    return LLVMBuildAdd(x->builder, v, plus, "");
}

static void decide(finder *f, tg_x86_stretch *s, uint32_t stretch) {
    s->axis = f->axis;
    s->decided = tg_map_create(f->x->arena);
    s->least = stretch ? &f->bounds[stretch - 1].at : NULL;
    s->past = stretch < f->n_bounds ? &f->bounds[stretch].at : NULL;
    for (uint32_t i = 0; i < f->n_ops; i++) {
        order o;
        int64_t number;
        bool known;
        if (order_of(f->ops[i], &o)) {
            uint32_t at = place_of(f, o.bound, o.plus, false);
            number = (stretch <= at) == o.below;
            known = at != UINT32_MAX;
        } else {
            tg_value *by = tg_operand(f->ops[i], 1);
            uint32_t once = place_of(f, by, 0, false), twice = place_of(f, by, 0, true);
            number = stretch > once;
            known = axis_of(tg_operand(f->ops[i], 0)) == f->axis && once != UINT32_MAX && (stretch <= once || (twice != UINT32_MAX && stretch <= twice));
        }
        if (known) {
            tg_map_set(s->decided, f->ops[i], TG_COPY_ARRAY(f->x->arena, int64_t, &number, 1));
        }
    }
}

bool tg_x86_emit_stretches(tg_x86 *x, tg_x86_nest *n, void (*emit)(tg_x86 *x, tg_x86_nest *n)) {
    finder f = {.x = x, .n = n, .seen = tg_map_create(x->arena)};
    tg_x86_stretch known;
    if (x->stretch || !see_roots(&f) || !find_bounds(&f)) {
        return false;
    }
    tg_x86_range *r = &x->ranges[f.axis->rank], whole = *r;
    LLVMValueRef from = whole.first, end = LLVMBuildAdd(x->builder, whole.first, whole.size, "");
    for (uint32_t s = 0; s <= f.n_bounds; s++) {
        LLVMValueRef until = s < f.n_bounds ? tg_llvm_min64(x->l, tg_llvm_max64(x->l, value_of(x, &f.bounds[s]), from), end) : end;
        decide(&f, &known, s);
        x->stretch = &known;
        r->first = from;
        r->size = LLVMBuildSub(x->builder, until, from, "");
        emit(x, n);
        from = until;
    }
    *r = whole;
    x->stretch = NULL;
    return true;
}

/* ---- what is known --------------------------------------------------------------------------------------------------------- */

static const int64_t *decision_of(const tg_x86 *x, const tg_op *op) {
    return x->stretch && op ? tg_map_get(x->stretch->decided, op) : NULL;
}

bool tg_x86_is_decided(const tg_x86 *x, const tg_op *op) {
    return decision_of(x, op) != NULL;
}

const tg_value *tg_x86_chosen(const tg_x86 *x, const tg_op *op) {
    const int64_t *yes = op->opcode == TG_OP_SELECT ? decision_of(x, tg_operand(op, 0)->def) : NULL;
    return yes ? tg_operand(op, *yes ? 1 : 2) : NULL;
}

bool tg_x86_eval_decided(tg_x86 *x, tg_x86_frame *f, const tg_op *op, tg_x86_val *out) {
    const tg_value *chosen = tg_x86_chosen(x, op);
    const int64_t *number = decision_of(x, op);
    if (chosen) {
        *out = tg_x86_eval(x, f, tg_operand(op, chosen == tg_operand(op, 1) ? 1 : 2));
    } else if (number && op->opcode == TG_OP_REM) {
        *out = tg_x86_eval(x, f, tg_operand(op, 0));
        LLVMValueRef by = tg_x86_eval(x, f, tg_operand(op, 1)).v;
        out->v = *number ? LLVMBuildSub(x->builder, out->v, tg_llvm_splat(x->l, by, tg_llvm_lanes(out->v)), "") : out->v;
    } else if (number) {
        *out = (tg_x86_val){op->opcode == TG_OP_DIV ? tg_llvm_i64(x->l, *number) : LLVMConstInt(x->l->i1, *number != 0, 0), NULL, NULL};
    }
    return chosen || number;
}

/* constant + sign · (index, at `end` of the axis, along which it goes on by one) + plus >= 0; null: 0 */
static bool is_proved(const tg_x86 *x, const tg_affine *index, int64_t sign, const tg_affine *end, const tg_affine *plus, int64_t constant) {
    tg_affine form;
    tg_affine_init(&form, x->arena, constant);
    bool fits = tg_affine_add(&form, index, sign) && tg_affine_add_term(&form, -sign, NULL, x->stretch->axis) && (!end || tg_affine_add(&form, end, sign));
    return fits && (!plus || tg_affine_add(&form, plus, 1)) && tg_prove_nonneg(x->arena, x->facts, &form);
}

static const tg_value *extent_of(const tg_value *tensor, uint32_t d) {
    const tg_value *extent = NULL;
    for (const tg_use *u = tensor->uses; u && !extent; u = u->next) {
        extent = u->user->opcode == TG_OP_DIM && tg_op_int(u->user, TG_ATTR_D, 0) == d ? tg_result(u->user, 0) : NULL;
    }
    return extent;
}

bool tg_x86_is_inside_stretch(const tg_x86 *x, const tg_op *op, uint32_t d) {
    tg_affine index, dim;
    int64_t step;
    tg_value *symbol;
    const tg_value *extent = x->stretch && x->stretch->past ? extent_of(tg_operand(op, 0), d) : NULL;
    bool affine = extent && tg_affine_of(x->arena, tg_op_index(op, d), &index) && tg_affine_of(x->arena, extent, &dim) &&
                  tg_affine_axis_coeff(&index, x->stretch->axis, &step, &symbol) && step == 1 && !symbol;
    return affine && is_proved(x, &index, 1, x->stretch->least, NULL, 0) && is_proved(x, &index, -1, x->stretch->past, &dim, 0);
}
