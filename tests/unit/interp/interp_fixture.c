#include "tests/unit/interp/interp_fixture.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

void fixture_open(fixture *x, const char *text) {
    memset(x, 0, sizeof *x);
    x->arena = tg_arena_create(&tg_allocator_default, &x->unwind);
    if (TG_PROTECT(&x->unwind)) {
        cr_assert_fail("out of memory");
    }
    tg_sources *sources = TG_NEW(x->arena, tg_sources);
    tg_diags *diags = TG_NEW(x->arena, tg_diags);
    sources->arena = diags->arena = x->arena;
    diags->sources = sources;
    uint32_t file = tg_sources_add(sources, "test.ir", text, strlen(text));
    x->f = tg_ir_read(x->arena, tg_interner_create(x->arena), diags, file);
    if (!x->f) {
        tg_strbuf out;
        tg_strbuf_init(&out, x->arena);
        tg_diags_render(diags, false, &out);
        cr_assert_fail("%s", out.data);
    }
    const char *broken = tg_ir_verify(x->f, x->arena);
    cr_assert(!broken, "%s", broken ? broken : "");
}

void fixture_close(fixture *x) {
    tg_arena_destroy(x->arena);
}

tg_status fixture_run(fixture *x, const tg_interp_arg *args, const tg_interp_options *o) {
    return tg_interp_run(x->f, args, o, NULL, x->message, sizeof x->message);
}

tg_interp_arg tensor_arg(tg_dtype dtype, void *data, uint32_t rank, const int64_t *shape) {
    tg_interp_arg a = {.tensor = {.arg = {.data = data}, .dtype = dtype}};
    int64_t stride = 1;
    for (uint32_t d = rank; d-- > 0;) {
        a.tensor.arg.shape[d] = shape[d];
        a.tensor.arg.stride[d] = stride;
        stride *= shape[d];
    }
    return a;
}

tg_interp_arg vector_arg(tg_dtype dtype, void *data, int64_t n) {
    return tensor_arg(dtype, data, 1, &n);
}

tg_interp_arg matrix_arg(tg_dtype dtype, void *data, int64_t m, int64_t n) {
    int64_t shape[2] = {m, n};
    return tensor_arg(dtype, data, 2, shape);
}

tg_interp_arg int_arg(tg_dtype dtype, int64_t v) {
    return (tg_interp_arg){.scalar = {.dtype = dtype, .i = v}};
}

tg_interp_arg float_arg(tg_dtype dtype, double v) {
    return (tg_interp_arg){.scalar = {.dtype = dtype, .f = v}};
}

double random_unit(uint64_t *state) {
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (double)((z ^ z >> 31) >> 11) * 0x1p-52 - 1.0;
}

void random_f32(float *x, int64_t n, uint64_t seed) {
    for (int64_t k = 0; k < n; k++) {
        x[k] = (float)random_unit(&seed);
    }
}
