/* oneDNN as a peer: matrix products and convolutions on operands given in plain row-major order. Inputs are brought into the
 * layout of the primitive once, outside what is timed, as a program with constant layouts would do. */
#ifndef TG_BENCH_ONEDNN_H
#define TG_BENCH_ONEDNN_H

#include <dnnl.h>

#include <stdbool.h>

typedef struct onednn_array { /* elements in the order `tag` says */
    void *data;
    int rank;
    dnnl_dims_t dims; /* in oneDNN's logical order */
    dnnl_data_type_t type;
    dnnl_format_tag_t tag;
} onednn_array;

typedef struct onednn_op {
    dnnl_primitive_t primitive;
    dnnl_memory_t memory[3]; /* source, weights, destination */
    dnnl_exec_arg_t args[3];
    const char *kind;        /* the implementation's name; null: there is none, and the rest is not set */
} onednn_op;

/* C = A·B; weights: `dnnl_format_tag_any` for the primitive's own layout of B, or `b->tag`. */
onednn_op onednn_matmul(const onednn_array *a, const onednn_array *b, const onednn_array *c, dnnl_format_tag_t weights);
/* `layout`: of source and destination, or `dnnl_format_tag_any`; weights always have the primitive's own. */
onednn_op onednn_convolution(const onednn_array *x, const onednn_array *f, const onednn_array *y, int stride, int pad,
                             dnnl_format_tag_t layout);
void onednn_run(onednn_op *op);
void onednn_result(onednn_op *op, const onednn_array *to); /* copies the destination to `to` in its order */
void onednn_free(onednn_op *op);

#endif
