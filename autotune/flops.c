/* See flops.h. Two passes over the function: sizes of axes and trip counts by evaluating bounds
 * as real numbers (an index is the middle of its range, so that a causal loop counts half; what
 * comes from memory is unknown, a NaN, and segments with unknown ends are taken to share their
 * extent), then points per operation. */
#include "autotune/flops.h"

#include <math.h>

typedef struct counter {
    const tg_func *f;
    const tg_launch_arg *args;
    double *value;  /* by value id: scalars evaluated so far */
    double *size;   /* by axis rank: indices of the whole domain */
    double *middle; /* by axis rank */
    double flops;
} counter;

static double tensor_dim(const counter *c, const tg_value *tensor, int64_t d) {
    for (uint32_t i = 0; i < c->f->n_params; i++) {
        if (c->f->params[i].value == tensor && c->args[i].tensor) {
            return (double)c->args[i].tensor->shape[d];
        }
    }
    return 1;
}

static double value_of(const counter *c, const tg_value *v) {
    return c->value[v->id];
}

static double first_axis_attr(const counter *c, const tg_op *op) {
    const tg_axis *a = tg_op_axis(op, TG_ATTR_AXIS);
    double size = c->size[a->rank],
           block = a->block > 0 && (double)a->block < size ? (double)a->block : size;
    switch ((int)op->opcode) {
    case TG_OP_AXIS_FIRST:
        return a->kind == TG_AXIS_LOCAL ? 0 : fmax(0, c->middle[a->rank] - block / 2);
    case TG_OP_AXIS_SIZE:
        return block;
    case TG_OP_AXIS_COUNT:
        return block > 0 ? ceil(size / block) : 0;
    default:
        return c->middle[a->rank];
    }
}

static double arithmetic(const counter *c, const tg_op *op) {
    double x = op->n_operands > 0 ? value_of(c, tg_operand(op, 0)) : 0;
    double y = op->n_operands > 1 ? value_of(c, tg_operand(op, 1)) : 0;
    bool is_int = tg_dtype_is_int(op->results[0].type->dtype);
    switch ((int)op->opcode) {
    case TG_OP_ADD:
        return x + y;
    case TG_OP_SUB:
        return x - y;
    case TG_OP_MUL:
        return x * y;
    case TG_OP_DIV:
    case TG_OP_TDIV:
        return y == 0 ? 0 : is_int ? floor(x / y) : x / y;
    case TG_OP_REM:
    case TG_OP_TREM: /* of a middle between two indices: the middle of a period */
        return y < 1 ? x : x == floor(x) ? x - y * floor(x / y) : (y - 1) / 2;
    case TG_OP_MIN:
        return fmin(x, y);
    case TG_OP_MAX:
        return fmax(x, y);
    case TG_OP_NEG:
        return -x;
    case TG_OP_SELECT:
        return (y + value_of(c, tg_operand(op, 2))) / 2;
    default:
        return x;
    }
}

static void evaluate(counter *c, const tg_op *op) {
    if (op->n_results != 1 || op->n_regions) {
        return;
    }
    int64_t i;
    double f, v = 0;
    const tg_value *r = &op->results[0];
    if (tg_value_const_int(r, &i)) {
        v = (double)i;
    } else if (tg_value_const_float(r, &f)) {
        v = f;
    } else if (op->opcode == TG_OP_DIM) {
        v = tensor_dim(c, tg_operand(op, 0), tg_op_int(op, TG_ATTR_D, 0));
    } else if (op->opcode == TG_OP_LOAD) {
        v = NAN;
    } else if (op->opcode >= TG_OP_AXIS_FIRST && op->opcode <= TG_OP_AXIS_COUNT) {
        v = first_axis_attr(c, op);
    } else {
        v = arithmetic(c, op);
    }
    c->value[r->id] = v;
}

/* ---- operations ----------------------------------------------------------------------------------------------
 */

static double points_of(const counter *c, const tg_type *t) {
    double n = 1;
    for (uint32_t i = 0; i < t->n_axes; i++) {
        n *= c->size[t->axes[i]->rank];
    }
    return n;
}

/* Whole domains of the axes of a tile times the trips of enclosing loops over other axes. */
static double points_in(const counter *c, const tg_type *t, double each_trips,
                        const tg_axis *const *open, uint32_t n_open) {
    double n = points_of(c, t) * each_trips;
    for (uint32_t i = 0; i < n_open; i++) {
        const tg_axis *a = open[i];
        if (!tg_type_has_axis(t, a)) {
            n *= a->block > 0 ? ceil(c->size[a->rank] / (double)a->block) : 1;
        }
    }
    return n;
}

static double cost(const tg_op *op) {
    tg_dtype t = op->n_results ? op->results[0].type->dtype : TG_DTYPE_NONE;
    bool is_complex = tg_dtype_kind_of(t) == TG_KIND_COMPLEX;
    if (!tg_dtype_is_float(t) && !is_complex) {
        return 0;
    }
    switch ((int)op->opcode) {
    case TG_OP_CONST:
    case TG_OP_IOTA:
    case TG_OP_SELECT:
    case TG_OP_CAST:
    case TG_OP_BITCAST:
    case TG_OP_BROADCAST:
    case TG_OP_COPYSIGN:
    case TG_OP_RE:
    case TG_OP_IM:
    case TG_OP_CPLX:
        return 0;
    case TG_OP_ATOMIC: /* its result has a point per addition */
        return 1;
    case TG_OP_FMA:
        return is_complex ? 8 : 2;
    case TG_OP_MUL:
        return is_complex ? 6 : 1;
    default:
        return tg_op_is_elementwise(op->opcode) ? (is_complex ? 2 : 1) : 0;
    }
}

typedef struct scope {
    double each_trips;
    const tg_axis *open[32];
    uint32_t n_open;
} scope;

static void count_op(counter *c, const tg_op *op, const scope *s) {
    double per_point = cost(op);
    const tg_type *t = op->n_results ? op->results[0].type : NULL;
    if (per_point > 0) {
        c->flops += per_point * points_in(c, t, s->each_trips, s->open, s->n_open);
    } else if (op->opcode == TG_OP_REDUCE || op->opcode == TG_OP_SCAN) {
        t = tg_operand(op, 0)->type;
        bool is_float = tg_dtype_is_float(t->dtype);
        c->flops += is_float ? points_in(c, t, s->each_trips, s->open, s->n_open) : 0;
    } else if (op->opcode == TG_OP_DOT) {
        const tg_type *x = tg_operand(op, 0)->type, *y = tg_operand(op, 1)->type;
        double n = points_in(c, x, s->each_trips, s->open, s->n_open);
        for (uint32_t i = 0; i < y->n_axes; i++) { /* the union of both */
            if (!tg_type_has_axis(x, y->axes[i])) {
                const tg_axis *a = y->axes[i];
                bool open = false;
                for (uint32_t k = 0; k < s->n_open; k++) {
                    open = open || s->open[k] == a;
                }
                double blocks =
                    open && a->block > 0 ? ceil(c->size[a->rank] / (double)a->block) : 1;
                n *= c->size[a->rank] / blocks;
            }
        }
        c->flops += (tg_dtype_kind_of(x->dtype) == TG_KIND_COMPLEX ? 8 : 2) * n;
    }
}

static void walk(counter *c, const tg_block *block, const scope *outer);

static void enter(counter *c, const tg_op *op, const scope *outer) {
    scope s = *outer;
    bool binds = op->opcode == TG_OP_PAR || op->opcode == TG_OP_FOR || op->opcode == TG_OP_AXIS;
    if (binds) {
        double extent = value_of(c, tg_operand(op, 0)), low = value_of(c, tg_operand(op, 1));
        double high = value_of(c, tg_operand(op, 2)), from = fmax(0, low),
               until = fmin(extent, high);
        bool segment =
            low != low && high != high; /* fmax and fmin have replaced NaNs by the ends */
        double n = fmax(0, until - from) / (segment && s.each_trips > 0 ? s.each_trips : 1);
        const tg_axis *a = tg_op_axis(op, TG_ATTR_AXIS);
        if (a) {
            c->size[a->rank] = n;
            c->middle[a->rank] = (from + until) / 2;
        } else {
            n = ceil(n / (double)tg_op_int(op, TG_ATTR_STEP, 1));
            s.each_trips *= n;
            c->value[op->regions[0].body.args[0]->id] = (from + until) / 2;
        }
        if (a && op->opcode != TG_OP_AXIS && s.n_open < 32) {
            s.open[s.n_open++] = a;
        }
    }
    if (op->opcode == TG_OP_REDUCE_FN || op->opcode == TG_OP_SCAN_FN ||
        op->opcode == TG_OP_MAP) {
        const tg_type *t = op->results[0].type;
        s.each_trips = points_in(c, t, s.each_trips, s.open, s.n_open);
        s.n_open = 0;
    }
    for (uint32_t r = 0; r < op->n_regions; r++) {
        walk(c, &op->regions[r].body, &s);
    }
}

static void walk(counter *c, const tg_block *block, const scope *outer) {
    for (const tg_op *op = block->first; op; op = op->next) {
        evaluate(c, op);
        count_op(c, op, outer);
        if (op->n_regions || op->opcode == TG_OP_AXIS) {
            enter(c, op, outer);
        }
    }
}

double tg_count_work(const tg_func *f, const tg_launch_arg *args, tg_arena *arena,
                     double *axis_sizes) {
    counter c = {.f = f, .args = args};
    c.value = TG_NEW_ARRAY(arena, double, f->next_value_id + 1);
    c.size = TG_NEW_ARRAY(arena, double, f->axes.len + 1);
    c.middle = TG_NEW_ARRAY(arena, double, f->axes.len + 1);
    for (uint32_t i = 0; i < f->n_params; i++) {
        const tg_fparam *p = &f->params[i];
        if (p->kind == TG_FP_SCALAR && p->value) {
            tg_scalar s = args[i].scalar;
            c.value[p->value->id] = tg_dtype_is_float(s.dtype) ? s.f : (double)s.i;
        }
    }
    scope all = {.each_trips = 1};
    walk(&c, &f->body.body, &all);
    for (uint32_t i = 0; i < f->axes.len && axis_sizes; i++) {
        const tg_axis *a = f->axes.data[i];
        axis_sizes[i] = a->like ? c.size[a->like->rank] : c.size[i];
    }
    return c.flops;
}

double tg_count_flops(const tg_func *f, const tg_launch_arg *args, tg_arena *arena) {
    return tg_count_work(f, args, arena, NULL);
}
