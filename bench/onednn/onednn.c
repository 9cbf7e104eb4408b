#include "bench/onednn/onednn.h"

static dnnl_engine_t engine(void) {
    static dnnl_engine_t e;
    if (!e) {
        dnnl_engine_create(&e, dnnl_cpu, 0);
    }
    return e;
}

static dnnl_stream_t stream(void) {
    static dnnl_stream_t s;
    if (!s) {
        dnnl_stream_create(&s, engine(), dnnl_stream_default_flags);
    }
    return s;
}

static dnnl_memory_desc_t describe(const onednn_array *a, dnnl_format_tag_t tag) {
    dnnl_memory_desc_t d;
    dnnl_memory_desc_init_by_tag(&d, a->rank, a->dims, a->type, tag);
    return d;
}

static void copy(dnnl_memory_t from, dnnl_memory_t to) {
    const dnnl_memory_desc_t *a, *b;
    dnnl_memory_get_memory_desc(from, &a);
    dnnl_memory_get_memory_desc(to, &b);
    dnnl_primitive_desc_t d;
    dnnl_primitive_t p;
    dnnl_reorder_primitive_desc_create(&d, a, engine(), b, engine(), NULL);
    dnnl_primitive_create(&p, d);
    dnnl_exec_arg_t args[] = {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}};
    dnnl_primitive_execute(p, stream(), 2, args);
    dnnl_stream_wait(stream());
    dnnl_primitive_destroy(p);
    dnnl_primitive_desc_destroy(d);
}

static dnnl_memory_t plain(const onednn_array *a) {
    dnnl_memory_desc_t d = describe(a, a->tag);
    dnnl_memory_t m;
    dnnl_memory_create(&m, &d, engine(), a->data);
    return m;
}

static onednn_op finish(const void *desc, const onednn_array *const arrays[3]) {
    static const dnnl_query_t queries[] = {dnnl_query_src_md, dnnl_query_weights_md, dnnl_query_dst_md};
    static const int names[] = {DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST};
    onednn_op op = {0};
    dnnl_primitive_desc_t d;
    if (dnnl_primitive_desc_create(&d, desc, NULL, engine(), NULL) != dnnl_success) {
        return op;
    }
    dnnl_primitive_create(&op.primitive, d);
    for (int i = 0; i < 3; i++) {
        dnnl_memory_create(&op.memory[i], dnnl_primitive_desc_query_md(d, queries[i], 0), engine(), DNNL_MEMORY_ALLOCATE);
        op.args[i] = (dnnl_exec_arg_t){names[i], op.memory[i]};
        if (i < 2) {
            dnnl_memory_t from = plain(arrays[i]);
            copy(from, op.memory[i]);
            dnnl_memory_destroy(from);
        }
    }
    dnnl_primitive_desc_query(d, dnnl_query_impl_info_str, 0, &op.kind);
    return op; /* the descriptor holds the name */
}

onednn_op onednn_matmul(const onednn_array *a, const onednn_array *b, const onednn_array *c, dnnl_format_tag_t weights) {
    dnnl_memory_desc_t ad = describe(a, a->tag), bd = describe(b, weights), cd = describe(c, c->tag);
    dnnl_matmul_desc_t m;
    dnnl_matmul_desc_init(&m, &ad, &bd, NULL, &cd);
    return finish(&m, (const onednn_array *[]){a, b, c});
}

onednn_op onednn_convolution(const onednn_array *x, const onednn_array *f, const onednn_array *y, int stride, int pad,
                             dnnl_format_tag_t layout) {
    dnnl_memory_desc_t xd = describe(x, layout), fd = describe(f, dnnl_format_tag_any), yd = describe(y, layout);
    dnnl_dims_t strides = {stride, stride}, pads = {pad, pad};
    dnnl_convolution_desc_t c;
    dnnl_convolution_forward_desc_init(&c, dnnl_forward_inference, dnnl_convolution_direct, &xd, &fd, NULL, &yd, strides, pads, pads);
    return finish(&c, (const onednn_array *[]){x, f, y});
}

void onednn_run(onednn_op *op) {
    dnnl_primitive_execute(op->primitive, stream(), 3, op->args);
    dnnl_stream_wait(stream());
}

void onednn_result(onednn_op *op, const onednn_array *to) {
    dnnl_memory_t m = plain(to);
    copy(op->memory[2], m);
    dnnl_memory_destroy(m);
}

void onednn_free(onednn_op *op) {
    if (op->kind) {
        dnnl_primitive_destroy(op->primitive);
        for (int i = 0; i < 3; i++) {
            dnnl_memory_destroy(op->memory[i]);
        }
    }
}
