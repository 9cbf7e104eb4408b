/* Views with any strides, which have code of their own where the last one is small or 0: every second column, rows turned round, one column
 * repeated. Tensors lie between pages that may not be touched. */
#include "stdlib/stdlib.h"
#include "stdlib_fixture.h"

#include <string.h>
#include <sys/mman.h>

#define EXPECT_OK(call) cr_assert_eq((call), TG_OK, "%s", tg_last_error(ctx))

enum { PAGE = 4096, PAGES = 40, DIMS = 3 };

/* A view of i32 whose first or last element is at an end of the memory that may be touched. */
typedef struct view {
    char *pages;
    tg_tensor *t;
    int64_t shape[DIMS], stride[DIMS];
    int32_t *first;
} view;

static view make_view(const int64_t *shape, const int64_t *stride, bool at_end) {
    view v = {.pages = mmap(NULL, PAGE * (PAGES + 2), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)};
    cr_assert(v.pages != MAP_FAILED && mprotect(v.pages + PAGE, (size_t)PAGE * PAGES, PROT_READ | PROT_WRITE) == 0);
    int64_t least = 0, most = 0;
    for (int d = 0; d < DIMS; d++) {
        int64_t end = (shape[d] - 1) * stride[d];
        least += end < 0 ? end : 0;
        most += end > 0 ? end : 0;
    }
    cr_assert((most - least + 1) * 4 <= PAGE * PAGES);
    v.first = at_end ? (int32_t *)(v.pages + PAGE * (PAGES + 1)) - most - 1 : (int32_t *)(v.pages + PAGE) - least;
    memcpy(v.shape, shape, sizeof v.shape);
    memcpy(v.stride, stride, sizeof v.stride);
    v.t = tg_tensor_from_memory(ctx, TG_I32, DIMS, shape, stride, v.first, NULL, NULL);
    cr_assert_not_null(v.t);
    return v;
}

static void end_view(view *v) {
    tg_tensor_release(v->t);
    munmap(v->pages, PAGE * (PAGES + 2));
}

static int32_t *element(const view *v, int64_t i, int64_t j, int64_t k) {
    return v->first + i * v->stride[0] + j * v->stride[1] + k * v->stride[2];
}

static void fill_pages(view *v, int32_t seed) {
    int32_t *all = (int32_t *)(v->pages + PAGE);
    for (int32_t i = 0; i < PAGE * PAGES / 4; i++) {
        all[i] = i * 1103 + seed;
    }
}

static int64_t n_changed(const view *v, int32_t seed) {
    const int32_t *all = (const int32_t *)(v->pages + PAGE);
    int64_t n = 0;
    for (int32_t i = 0; i < PAGE * PAGES / 4; i++) {
        n += all[i] != i * 1103 + seed;
    }
    return n;
}

static void expect_copied(const view *x, const view *y) {
    for (int64_t i = 0; i < y->shape[0]; i++) {
        for (int64_t j = 0; j < y->shape[1]; j++) {
            for (int64_t k = 0; k < y->shape[2]; k++) {
                cr_assert_eq(*element(x, i, j, k), *element(y, i, j, k), "strides %d %d %d to %d %d %d at %d %d %d", (int)x->stride[0], (int)x->stride[1],
                             (int)x->stride[2], (int)y->stride[0], (int)y->stride[1], (int)y->stride[2], (int)i, (int)j, (int)k);
            }
        }
    }
}

static void try_copy(const int64_t *shape, const int64_t *from, const int64_t *to, bool at_end) {
    view x = make_view(shape, from, at_end), y = make_view(shape, to, at_end);
    fill_pages(&x, 17);
    fill_pages(&y, 1000000007);
    EXPECT_OK(tg_op_copy(ctx, x.t, y.t));
    expect_copied(&x, &y);
    cr_assert_leq(n_changed(&y, 1000000007), shape[0] * shape[1] * shape[2]);
    cr_assert_eq(n_changed(&x, 17), 0);
    end_view(&x);
    end_view(&y);
}

/* The strides of a dense tensor, the last one times `step`, or dimension `still` repeated. */
static void stretch(const int64_t *shape, int64_t step, int still, int64_t *stride) {
    int64_t sign = step < 0 ? -1 : 1;
    stride[2] = step;
    stride[1] = shape[2] * step + sign;
    stride[0] = shape[1] * stride[1];
    if (still >= 0) {
        stride[still] = 0;
    }
}

Test(stdlib_views, copies, .init = setup, .fini = teardown) {
    static const int64_t shapes[][DIMS] = {{2, 3, 41}, {3, 5, 8}, {1, 7, 64}, {5, 1, 3}, {2, 2, 1}}, steps[] = {-2, -1, 1, 2, 3, 4, 5};
    for (int s = 0; s < 5; s++) {
        int64_t dense[DIMS], other[DIMS];
        stretch(shapes[s], 1, -1, dense);
        for (int i = 0; i < 7 * 2; i++) {
            stretch(shapes[s], steps[i / 2], -1, other);
            try_copy(shapes[s], other, dense, i % 2);
            try_copy(shapes[s], dense, other, i % 2);
            try_copy(shapes[s], other, other, i % 2);
        }
        for (int still = 0; still < DIMS; still++) {
            stretch(shapes[s], 2, still, other);
            try_copy(shapes[s], other, dense, true);
            stretch(shapes[s], 1, still, other);
            try_copy(shapes[s], other, dense, true);
        }
        try_copy(shapes[s], (const int64_t[]){0, 0, 0}, dense, true);
    }
}

/* Rows whose elements are apart, or all the same, under reductions and scans; negative positions crop. */
Test(stdlib_views, rows, .init = setup, .fini = teardown) {
    static const int64_t shape[] = {2, 3, 43}, sums[] = {2, 3, 1}, out[] = {3, 1, 1}, steps[] = {-1, 0, 1, 2, 3, 5};
    for (int s = 0; s < 6; s++) {
        int64_t from[DIMS], dense[DIMS];
        stretch(shape, 1, -1, dense);
        stretch(shape, steps[s] ? steps[s] : 1, steps[s] ? -1 : 2, from);
        view x = make_view(shape, from, true), y = make_view(shape, dense, true), r = make_view(sums, out, true);
        fill_pages(&x, 5);
        EXPECT_OK(tg_op_running_sum(ctx, x.t, y.t));
        tg_tensor *flat = tg_tensor_view(r.t, 2, (const int64_t[]){2, 3}, (const int64_t[]){3, 1}, 0);
        EXPECT_OK(tg_op_reduce_sum(ctx, x.t, flat));
        for (int64_t i = 0; i < shape[0]; i++) {
            for (int64_t j = 0; j < shape[1]; j++) {
                uint32_t sum = 0;
                for (int64_t k = 0; k < shape[2]; k++) {
                    sum += (uint32_t)*element(&x, i, j, k);
                    cr_assert_eq((uint32_t)*element(&y, i, j, k), sum, "step %d at %d %d %d", (int)steps[s], (int)i, (int)j, (int)k);
                }
                cr_assert_eq((uint32_t)*element(&r, i, j, 0), sum);
            }
        }
        tg_tensor_release(flat);
        end_view(&x);
        end_view(&y);
        end_view(&r);
    }
}

static tg_tensor *dense_copy(const tg_tensor *x) {
    tg_tensor *y = tg_tensor_create(ctx, tg_tensor_dtype(x), tg_tensor_rank(x), tg_tensor_shape(x));
    cr_assert_not_null(y);
    EXPECT_OK(tg_tensor_copy(y, x));
    return y;
}

/* Products of operands whose rows or columns are all the same are those of dense copies; small integers make every order of summation exact. */
static void try_product(tg_dtype t, int64_t rows, const int64_t *a_stride, const int64_t *b_stride) {
    enum { POINTS = 64, COLUMNS = 33 };
    int64_t size = 64 * 64;
    tg_tensor *memory = tg_tensor_create(ctx, t, 1, &size), *memory_b = tg_tensor_create(ctx, t, 1, &size);
    cr_assert(memory && memory_b);
    EXPECT_OK(tg_tensor_fill_random(memory_b, 6, 0, 3.99)); /* to whole numbers by way of i8 */
    EXPECT_OK(tg_tensor_fill_random(memory, 5, 0, 3.99));
    tg_tensor *whole = tg_tensor_create(ctx, TG_I8, 1, &size);
    EXPECT_OK(tg_tensor_copy(whole, memory));
    EXPECT_OK(tg_tensor_copy(memory, whole));
    EXPECT_OK(tg_tensor_copy(whole, memory_b));
    EXPECT_OK(tg_tensor_copy(memory_b, whole));
    tg_tensor *a = tg_tensor_view(memory, 2, (int64_t[]){rows, POINTS}, a_stride, 0);
    tg_tensor *b = tg_tensor_view(memory_b, 2, (int64_t[]){POINTS, COLUMNS}, b_stride, 0);
    tg_tensor *c = tg_tensor_create(ctx, t, 2, (int64_t[]){rows, COLUMNS}), *want = dense_copy(c), *a_dense = dense_copy(a), *b_dense = dense_copy(b);
    EXPECT_OK(tg_op_matmul(ctx, a, b, c, NULL));
    EXPECT_OK(tg_op_matmul(ctx, a_dense, b_dense, want, NULL));
    size_t bytes = (size_t)(rows * COLUMNS) * (size_t)tg_dtype_bits(t) / 8;
    cr_expect(memcmp(tg_tensor_data(c), tg_tensor_data(want), bytes) == 0, "%s, %d rows: strides %d %d by %d %d", tg_dtype_name(t), (int)rows,
              (int)a_stride[0], (int)a_stride[1], (int)b_stride[0], (int)b_stride[1]);
    tg_tensor *all[] = {memory, memory_b, whole, a, b, c, want, a_dense, b_dense};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        tg_tensor_release(all[i]);
    }
}

Test(stdlib_views, products, .init = setup, .fini = teardown) {
    static const int64_t as[][2] = {{64, 1}, {1, 40}, {0, 1}, {1, 0}, {0, 0}}, bs[][2] = {{40, 1}, {1, 64}, {0, 1}, {1, 0}, {0, 0}};
    static const tg_dtype types[] = {TG_F32, TG_BF16};
    for (size_t t = 0; t < sizeof types / sizeof *types; t++) {
        for (int i = 0; i < 25; i++) {
            try_product(types[t], 2, as[i / 5], bs[i % 5]);
            try_product(types[t], 40, as[i / 5], bs[i % 5]);
        }
    }
}
