/* Code for few rows (dot_stream*.c) that a launch with many does not need. It is a third of what a product of floats compiles to, so the just-in-time
 * compiler leaves it out where launches can tell which of them want it: those whose rows are the points of a parameter's dimension, all of them or
 * blocks of more than few. */
#include "targets/x86/dot/dot_nest.h"

_Static_assert((int)TG_DOT_STREAM_FEW <= (int)TG_FEW_ROWS && (int)TG_DOT_STREAM_ROWS <= (int)TG_FEW_ROWS && (int)TG_DOT_STREAM_ALONG <= (int)TG_FEW_ROWS,
               "rows that stream are few");

static bool takes_many(tg_x86 *x, const tg_axis *a) {
    int64_t most = tg_x86_default_block(x, a);
    bool whole = a->binder && (a->binder->opcode == TG_OP_PAR || a->binder->opcode == TG_OP_AXIS) && !tg_op_is_each(a->binder);
    return whole && !a->scheduled && (most == 0 || most > TG_FEW_ROWS);
}

static bool is_param(const tg_func *f, const tg_value *tensor, uint8_t *out) {
    for (uint32_t i = 0; i < f->n_params; i++) {
        if (f->params[i].value == tensor) {
            *out = (uint8_t)i;
            return true;
        }
    }
    return false;
}

/* What a launch can tell by. */
static bool describe(const tg_dot_nest *n, const tg_axis *row, tg_few_rows *out) {
    const tg_func *f = n->e.x->f;
    const tg_op *dim = tg_operand(row->binder, 0)->def, *columns = tg_operand(n->e.d->op, n->e.d->side)->def;
    bool known = dim && dim->opcode == TG_OP_DIM && columns && columns->opcode == TG_OP_LOAD;
    if (!known || !is_param(f, tg_operand(dim, 0), &out->param) || !is_param(f, tg_operand(columns, 0), &out->against)) {
        return false;
    }
    out->left_out = true;
    out->dim = (uint8_t)tg_order_dimension(f->params[out->param].order, (uint32_t)tg_op_int(dim, TG_ATTR_D, 0));
    return true;
}

static bool is_same(const tg_few_rows *a, const tg_few_rows *b) {
    return a->param == b->param && a->dim == b->dim && a->against == b->against;
}

bool tg_dot_leaves_few_out(tg_dot_nest *n) {
    tg_x86 *x = n->e.x;
    const uint8_t *short_dims = x->options->short_dims;
    const tg_axis *row = n->n_row_axes == 1 ? n->row_axes[0] : NULL;
    tg_few_rows here = {0}, *told = &x->few_rows;
    if (!short_dims || !row || !takes_many(x, row) || !describe(n, row, &here)) {
        return false;
    }
    bool is_short = short_dims[here.param] >> here.dim & 1, other = told->left_out && !is_same(told, &here);
    if (!is_short && !other) {
        *told = here;
    }
    return !is_short && !other;
}
