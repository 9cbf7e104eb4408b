/* Code for few rows (dot_stream*.c) that a launch with many does not need. It is a third of what a product of floats compiles to, so the just-in-time
 * compiler leaves it out where launches can tell which of them want it: those whose rows are the points of a parameter's dimension, all of them or
 * blocks of more than few. */
#include "targets/x86/dot_nest.h"

_Static_assert((int)TG_DOT_STREAM_FEW <= (int)TG_FEW_ROWS && (int)TG_DOT_STREAM_ROWS <= (int)TG_FEW_ROWS, "rows that stream are few");

static bool takes_many(tg_x86 *x, const tg_axis *a) {
    int64_t most = tg_x86_default_block(x, a);
    bool whole = a->binder && (a->binder->opcode == TG_OP_PAR || a->binder->opcode == TG_OP_AXIS) && !tg_op_is_each(a->binder);
    return whole && !a->scheduled && (most == 0 || most > TG_FEW_ROWS);
}

/* The dimension that an extent is, or false: of no parameter. */
static bool dimension_of(const tg_func *f, const tg_value *extent, tg_few_rows *out) {
    const tg_op *dim = extent->def;
    for (uint32_t i = 0; dim && dim->opcode == TG_OP_DIM && i < f->n_params; i++) {
        if (f->params[i].value == tg_operand(dim, 0)) {
            uint32_t d = tg_order_dimension(f->params[i].order, (uint32_t)tg_op_int(dim, TG_ATTR_D, 0));
            *out = (tg_few_rows){true, (uint8_t)i, (uint8_t)d};
            return true;
        }
    }
    return false;
}

bool tg_dot_leaves_few_out(tg_dot_nest *n) {
    tg_x86 *x = n->e.x;
    const uint8_t *short_dims = x->options->short_dims;
    const tg_axis *row = n->n_row_axes == 1 ? n->row_axes[0] : NULL;
    tg_few_rows dim, *told = &x->few_rows;
    if (!short_dims || !row || !takes_many(x, row) || !dimension_of(x->f, tg_operand(row->binder, 0), &dim)) {
        return false;
    }
    bool is_short = short_dims[dim.param] >> dim.dim & 1, other = told->left_out && (told->param != dim.param || told->dim != dim.dim);
    if (!is_short && !other) {
        *told = dim;
    }
    return !is_short && !other;
}
