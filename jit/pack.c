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

static int64_t group_of(const tg_packing *p) {
    return p->group > 1 ? p->group : 1;
}

/* Of dimension d, which is not the panels': how many lines? */
static int64_t lines_along(const tg_launch_arg *a, const tg_packing *p, uint32_t d) {
    int64_t n = a->tensor->shape[d], group = p->group > 1 && d == p->along ? p->group : 1;
    return n / group + (n % group > 0);
}

/* The dimensions other than the panels' are one, in their order: of how many lines? */
static int64_t lines_of(const tg_launch_arg *a, const tg_packing *p) {
    int64_t n = 1;
    for (uint32_t d = 0; d < a->rank; d++) {
        n *= d == p->dim ? 1 : lines_along(a, p, d);
    }
    return n;
}

static int64_t bytes_of_line(const tg_launch_arg *a, const tg_packing *p) {
    return (int64_t)tg_dtype_size(a->dtype) * p->width * group_of(p);
}

static int64_t bytes_of_sums(const tg_packing *p) {
    return p->flips ? (int64_t)sizeof(int32_t) * p->width : 0;
}

/* The place of column 0 in the lines of the tensor that line k of a panel holds. */
typedef struct place {
    int64_t bytes; /* of the first, from the tensor's first element */
    int64_t n;     /* how many there are: in the last group perhaps fewer than in others */
} place;

static place place_of_line(const tg_launch_arg *a, const tg_packing *p, int64_t k) {
    int64_t elements = 0, n = 1;
    for (uint32_t d = a->rank; d-- > 0;) {
        if (d == p->dim) {
            continue;
        }
        int64_t lines = lines_along(a, p, d), group = p->group > 1 && d == p->along ? p->group : 1, at = k % lines * group, left = a->tensor->shape[d] - at;
        n = group > 1 ? (left < group ? left : group) : n;
        elements += at * a->tensor->stride[d];
        k /= lines;
    }
    return (place){elements * (int64_t)tg_dtype_size(a->dtype), n};
}

/* n elements, `to_step` and `from_step` of them apart. */
static void copy_apart(char *to, int64_t to_step, const char *from, int64_t from_step, int64_t n, size_t size) {
#define COPY(bytes)                                                                       \
    case bytes:                                                                           \
        for (int64_t j = 0; j < n; j++) {                                                 \
            memcpy(to + j * to_step * (bytes), from + j * from_step * (bytes), (bytes)); \
        }                                                                                 \
        return;
    switch (size) {
        COPY(1)
        COPY(2)
        COPY(4)
        COPY(8)
    default:
        for (int64_t j = 0; j < n; j++) {
            memcpy(to + j * to_step * (int64_t)size, from + j * from_step * (int64_t)size, size);
        }
    }
#undef COPY
}

/* What a panel of bytes ends with. */
static void sum_panel(const char *panel, int64_t lines, const tg_launch_arg *a, const tg_packing *p, char *to) {
    bool is_signed = a->dtype == TG_I8;
    for (int64_t j = 0; j < p->width; j++) {
        uint32_t sum = 0;
        for (int64_t k = 0; k < lines; k++) {
            for (int64_t i = 0; i < p->group; i++) {
                uint8_t byte = (uint8_t)panel[(k * p->width + j) * p->group + i];
                int32_t v = is_signed ? (int8_t)byte : byte;
                sum += (uint32_t)v;
            }
        }
        sum *= (uint32_t)p->flips;
        memcpy(to + j * (int64_t)sizeof sum, &sum, sizeof sum);
    }
}

/* [panel][line][width][group] from a tensor of any strides. */
static void fill(char *to, const tg_launch_arg *a, const tg_packing *p) {
    int64_t size = (int64_t)tg_dtype_size(a->dtype), group = group_of(p), columns = a->tensor->shape[p->dim], across = a->tensor->stride[p->dim];
    int64_t along = p->group > 1 ? a->tensor->stride[p->along] : 0, lines = lines_of(a, p), bytes = bytes_of_line(a, p);
    const char *from = a->tensor->data;
    for (int64_t c = 0; c < columns; c += p->width) {
        int64_t n = columns - c < p->width ? columns - c : p->width;
        char *panel = to;
        for (int64_t k = 0; k < lines; k++, to += bytes) {
            place at = place_of_line(a, p, k);
            for (int64_t i = 0; i < at.n; i++) {
                copy_apart(to + i * size, group, from + at.bytes + (c * across + i * along) * size, across, n, (size_t)size);
            }
        }
        if (p->flips) {
            sum_panel(panel, lines, a, p, to);
        }
        to += bytes_of_sums(p);
    }
}

/* Zeros of the packed size that say they are the operand. */
static tg_status make(const tg_context *c, const tg_launch_arg *a, const tg_packing *p, tg_tensor **out) {
    const int64_t *shape = a->tensor->shape;
    int64_t panels = (shape[p->dim] + p->width - 1) / p->width, bytes = lines_of(a, p) * bytes_of_line(a, p) + bytes_of_sums(p);
    int64_t room[] = {panels, bytes / (int64_t)tg_dtype_size(a->dtype)};
    tg_status s = tg_tensor_new(c->device, &c->allocator, a->dtype, 2, room, out);
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
