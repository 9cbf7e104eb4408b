/* Packing an operand once, for products that read it again and again: the layout is what the code of the variant says (tg_packing). */
#include "jit/context.h"

#include <string.h>

static tg_status check_operand(const tg_kernel *k, uint32_t i, const tg_launch_arg *a) {
    const tg_signature *sig = k->signature;
    const tg_sig_param *p = i < sig->n_params ? &sig->params[i] : NULL;
    const char *why = !p                                         ? "there is no such parameter"
                      : !tg_param_is_tensor(p) || !a[i].tensor   ? "it is no tensor that is given"
                      : p->kind != TG_SP_IN                      ? "it is written"
                      : a[i].rank < 2                            ? "it is no matrix"
                      : a[i].packing.width                       ? "it is packed already"
                      : tg_dtype_bits(a[i].dtype) < 8            ? "its elements are parts of bytes"
                                                                 : NULL;
    if (!why) {
        return TG_OK;
    }
    return p ? tg_fail(k->context, TG_ERROR_INVALID_ARGUMENT, "%s: %s cannot be packed: %s", sig->name, p->name, why)
             : tg_fail(k->context, TG_ERROR_INVALID_ARGUMENT, "%s: parameter %u cannot be packed: %s", sig->name, i, why);
}

/* The dimensions other than the panels' are one, in their order: of how many lines? */
static int64_t lines_of(const tg_launch_arg *a, const tg_packing *p) {
    int64_t n = 1;
    for (uint32_t d = 0; d < a->rank; d++) {
        n *= d == p->dim ? 1 : a->tensor->shape[d];
    }
    return n;
}

/* Bytes from the tensor's first element to line k of column 0. */
static int64_t offset_of_line(const tg_launch_arg *a, const tg_packing *p, int64_t k) {
    int64_t elements = 0;
    for (uint32_t d = a->rank; d-- > 0;) {
        if (d != p->dim) {
            elements += k % a->tensor->shape[d] * a->tensor->stride[d];
            k /= a->tensor->shape[d];
        }
    }
    return elements * (int64_t)tg_dtype_size(a->dtype);
}

/* [panel][line][width] from a tensor of any strides. */
static void fill(char *to, const tg_launch_arg *a, const tg_packing *p) {
    size_t size = tg_dtype_size(a->dtype);
    const char *from = a->tensor->data;
    int64_t columns = a->tensor->shape[p->dim], lines = lines_of(a, p), width = p->width, across = a->tensor->stride[p->dim] * (int64_t)size;
    for (int64_t c = 0; c < columns; c += width) {
        int64_t n = columns - c < width ? columns - c : width;
        for (int64_t k = 0; k < lines; k++, to += width * (int64_t)size) {
            const char *line = from + c * across + offset_of_line(a, p, k);
            for (int64_t j = 0; j < n; j++) {
                memcpy(to + j * (int64_t)size, line + j * across, size);
            }
        }
    }
}

/* Zeros of the packed size that say they are the operand. */
static tg_status make(const tg_context *c, const tg_launch_arg *a, const tg_packing *p, tg_tensor **out) {
    const int64_t *shape = a->tensor->shape;
    int64_t panels = (shape[p->dim] + p->width - 1) / p->width, room[] = {panels, lines_of(a, p), p->width};
    tg_status s = tg_tensor_new(c->device, &c->allocator, a->dtype, 3, room, out);
    if (s) {
        return tg_fail(c, s, "%s for a packed operand", tg_status_name(s));
    }
    tg_tensor *t = *out;
    t->context = (void *)(uintptr_t)c;
    t->packing = *p;
    t->packed_dtype = t->dtype;
    t->dtype = TG_DTYPE_NONE;
    t->rank = a->rank;
    memcpy(t->arg.shape, shape, a->rank * sizeof *shape);
    (void)tg_tensor_row_major(a->dtype, a->rank, t->arg.shape, t->arg.stride);
    return TG_OK;
}

tg_status tg_kernel_pack(tg_kernel *kernel, const tg_argument *values, uint32_t n_values, uint32_t i, tg_tensor **out) {
    tg_launch_arg args[TG_MAX_PARAMS];
    tg_launch_binding binding;
    tg_variant *v;
    if (out) {
        *out = NULL;
    }
    tg_status s = tg_kernel_check(kernel);
    if (s || !out) {
        return s ? s : tg_fail(kernel->context, TG_ERROR_INVALID_ARGUMENT, "out is null");
    }
    s = tg_launch_args_make(kernel, values, n_values, args);
    s = s ? s : check_operand(kernel, i, args);
    s = s ? s : tg_launch_check(kernel, args, &binding);
    s = s ? s : tg_launch_get_packed(kernel, i, args, &binding, &v);
    if (s == TG_OK && !v->packing.width) {
        s = tg_fail(kernel->context, TG_ERROR_UNSUPPORTED, "%s: %s is not an operand of a product in registers", kernel->signature->name,
                    kernel->signature->params[i].name);
    }
    s = s ? s : make(kernel->context, &args[i], &v->packing, out);
    if (s == TG_OK) {
        fill((*out)->arg.data, &args[i], &v->packing);
    }
    return s;
}
