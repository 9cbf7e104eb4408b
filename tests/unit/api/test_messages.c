/* Wrong calls as a newcomer makes them: each is an error value whose text names the argument, what was expected and what was
 * given. Calls without an object to ask say so to tg_last_error(NULL). */
#include "tegula/tegula.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char source[] =
    "kernel product<T: float>(in T A[M, K], in T B[K, N], out T C[M, N], f32 alpha = 1.0, "
    "const i64 q = 2)\n"
    "{\n    grid (m in M, n in N) {\n        wide(T) acc[m, n] = 0;\n"
    "        for (k in K) acc += dot(A[m, k], B[k, n], k);\n"
    "        C[m, n] = T(alpha * acc * f32(q));\n    }\n}\n"
    "kernel scale(inout f32 X[N], u8 k, bool b, i64 n)\n"
    "{\n    grid (i in N) X[i] = X[i] * f32(k) * (b ? 1.0 : 2.0) + f32(n);\n}\n"
    "kernel even(in f32 X[N], out f32 Y[N]) where N % 2 == 0 { grid (i in N) Y[i] = X[i]; }\n";

static tg_context *c;
static tg_module *m;
static tg_kernel *product, *scale, *even;
static tg_tensor *a, *b, *y, *v; /* 4×5, 5×6, 4×6, 4 */

static tg_tensor *make(tg_dtype t, uint32_t rank, int64_t rows, int64_t columns) {
    tg_tensor *x = tg_tensor_create(c, t, rank, (int64_t[]){rows, columns});
    cr_assert_not_null(x);
    return x;
}

static void setup(void) {
    tg_context_options o = TG_CONTEXT_OPTIONS_INIT;
    o.cache_dir = "";
    o.n_threads = 1;
    cr_assert_eq(tg_context_create(&o, &c), TG_OK);
    cr_assert_eq(tg_module_load_text(c, "m.dsl", source, strlen(source), &m), TG_OK, "%s",
                 tg_last_error(c));
    product = tg_module_kernel(m, "product");
    scale = tg_module_kernel(m, "scale");
    even = tg_module_kernel(m, "even");
    a = make(TG_F32, 2, 4, 5);
    b = make(TG_F32, 2, 5, 6);
    y = make(TG_F32, 2, 4, 6);
    v = make(TG_F32, 1, 4, 0);
}

static void teardown(void) {
    tg_tensor_release(a);
    tg_tensor_release(b);
    tg_tensor_release(y);
    tg_tensor_release(v);
    tg_module_destroy(m);
    tg_context_destroy(c);
}

TestSuite(messages, .init = setup, .fini = teardown);

#define FAILS(call, status, text)                                                              \
    do {                                                                                       \
        cr_expect_eq((call), status, "%s", #call);                                             \
        cr_expect(strstr(tg_last_error(c), text), "%s: %s", #call, tg_last_error(c));          \
    } while (0)
#define INVALID(call, text) FAILS(call, TG_ERROR_INVALID_ARGUMENT, text)
#define IS_NULL(call, text)                                                                    \
    do {                                                                                       \
        cr_expect_null((call), "%s", #call);                                                   \
        cr_expect(strstr(tg_last_error(c), text), "%s: %s", #call, tg_last_error(c));          \
    } while (0)
#define WITHOUT_OBJECT(call, text)                                                             \
    do {                                                                                       \
        (void)(call);                                                                          \
        cr_expect_str_eq(tg_last_error(NULL), text, "%s: %s", #call, tg_last_error(NULL));     \
    } while (0)

Test(messages, nothing_given) {
    tg_module *none;
    tg_schedule_options schedule = TG_SCHEDULE_OPTIONS_INIT;
    tg_kernel *k;
    WITHOUT_OBJECT(tg_module_load_file(NULL, "x", &none), "context is null");
    WITHOUT_OBJECT(tg_module_load_text(NULL, "x", "", 0, &none), "context is null");
    WITHOUT_OBJECT(tg_module_kernel(NULL, "x"), "module is null");
    WITHOUT_OBJECT(tg_module_kernel_at(NULL, 0), "module is null");
    WITHOUT_OBJECT(tg_launch(NULL, NULL, 0), "kernel is null");
    WITHOUT_OBJECT(tg_kernel_prepare(NULL, NULL), "kernel is null");
    WITHOUT_OBJECT(tg_kernel_prepare_args(NULL, NULL, 0), "kernel is null");
    WITHOUT_OBJECT(tg_kernel_prepare_async(NULL, NULL), "kernel is null");
    WITHOUT_OBJECT(tg_kernel_wait(NULL), "kernel is null");
    WITHOUT_OBJECT(tg_kernel_parameter(NULL, 0, NULL), "kernel is null");
    WITHOUT_OBJECT(tg_kernel_get_stats(NULL, NULL), "kernel is null");
    WITHOUT_OBJECT(tg_kernel_infer_shape(NULL, NULL, 0, 0, NULL), "kernel is null");
    WITHOUT_OBJECT(tg_kernel_with_schedule(NULL, &schedule, &k), "kernel is null");
    WITHOUT_OBJECT(tg_tensor_create(NULL, TG_F32, 0, NULL), "context is null");
    WITHOUT_OBJECT(tg_tensor_from_memory(NULL, TG_F32, 0, NULL, NULL, NULL, NULL, NULL),
                   "context is null");
    WITHOUT_OBJECT(tg_tensor_slice(NULL, 0, 0, 0), "tensor is null");
    WITHOUT_OBJECT(tg_tensor_permute(NULL, NULL), "tensor is null");
    WITHOUT_OBJECT(tg_tensor_view(NULL, 0, NULL, NULL, 0), "tensor is null");
    WITHOUT_OBJECT(tg_tensor_copy(NULL, a), "to is null");
    WITHOUT_OBJECT(tg_tensor_fill_random(NULL, 1, 0, 1), "tensor is null");
    WITHOUT_OBJECT(tg_context_create(NULL, NULL), "out is null");
}

Test(messages, contexts) {
    tg_context *none;
    tg_context_options o = TG_CONTEXT_OPTIONS_INIT;
    o.n_threads = -3;
    WITHOUT_OBJECT(tg_context_create(&o, &none), "n_threads is -3; 0 means all processors");
    o.n_threads = 0;
    o.device = "cuda";
    WITHOUT_OBJECT(tg_context_create(&o, &none), "unknown device 'cuda'; there is: cpu");
    o.device = NULL;
    o.arch = "avx1024";
    WITHOUT_OBJECT(
        tg_context_create(&o, &none),
        "unknown instruction set 'avx1024'; there are: avx512amx, avx512vnni, avx512, avx2vnni, avx2, v2");
}

/* A variable that says nothing the library understands is an error, not the default; one whose option is given is not read. */
Test(messages, environment) {
    static const struct {
        const char *name, *value, *message;
    } wrong[] = {
        {"TEGULA_THREADS", "abc", "TEGULA_THREADS is 'abc'; it takes a number from 0 (the default) to 2147483647"},
        {"TEGULA_THREADS", "-1", "TEGULA_THREADS is '-1'; it takes a number from 0 (the default) to 2147483647"},
        {"TEGULA_THREADS", "4 ", "TEGULA_THREADS is '4 '; it takes a number from 0 (the default) to 2147483647"},
        {"TEGULA_THREADS", "4294967297", "TEGULA_THREADS is '4294967297'; it takes a number from 0 (the default) to 2147483647"},
        {"TEGULA_CACHE_BYTES", "1G", "TEGULA_CACHE_BYTES is '1G'; it takes a number from 0 (the default) to 9223372036854775807"},
        {"TEGULA_CACHE_BYTES", "9223372036854775808",
         "TEGULA_CACHE_BYTES is '9223372036854775808'; it takes a number from 0 (the default) to 9223372036854775807"},
        {"TEGULA_DEVICE", "gpu", "TEGULA_DEVICE: unknown device 'gpu'; there is: cpu"},
        {"TEGULA_ARCH", "sse9",
         "TEGULA_ARCH: unknown instruction set 'sse9'; there are: avx512amx, avx512vnni, avx512, avx2vnni, avx2, v2"},
    };
    tg_context *other;
    tg_context_options given = TG_CONTEXT_OPTIONS_INIT;
    given.n_threads = 2;
    given.cache_bytes = 1;
    given.device = "cpu";
    given.arch = "v2";
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        cr_assert_eq(setenv(wrong[i].name, wrong[i].value, 1), 0);
        WITHOUT_OBJECT(tg_context_create(NULL, &other), wrong[i].message);
        cr_expect_eq(tg_context_create(&given, &other), TG_OK, "%s: %s", wrong[i].name, tg_last_error(NULL));
        tg_context_destroy(other);
        cr_assert_eq(unsetenv(wrong[i].name), 0);
    }
    for (const char *const *value = (const char *const[]){"", "0", "3", "03", NULL}; *value; value++) {
        cr_assert_eq(setenv("TEGULA_THREADS", *value, 1), 0);
        cr_assert_eq(tg_context_create(NULL, &other), TG_OK, "'%s': %s", *value, tg_last_error(NULL));
        cr_expect(!strchr(*value, '3') || tg_context_n_threads(other) == 3);
        tg_context_destroy(other);
    }
}

Test(messages, modules) {
    tg_module *none;
    INVALID(tg_module_load_file(c, NULL, &none), "path is null");
    INVALID(tg_module_load_file(c, "", &none), "path is empty");
    INVALID(tg_module_load_file(c, "x", NULL), "out is null");
    INVALID(tg_module_load_text(c, "x", NULL, 0, &none), "text is null");
    FAILS(tg_module_load_file(c, "/nowhere/x.dsl", &none), TG_ERROR_NOT_FOUND,
          "/nowhere/x.dsl: not found");
    FAILS(tg_module_load_file(c, "/", &none), TG_ERROR_IO, "/ cannot be read as a file");
    FAILS(tg_module_load_text(c, "x", "kernl", 5, &none), TG_ERROR_COMPILE, "E0104");
    INVALID(tg_module_load_text(c, "x", "kernl", SIZE_MAX, &none), "x: a source has at most 64 MiB");
    INVALID(tg_module_load_file(c, "/dev/zero", &none), "what is no regular file at most 1 MiB");
    IS_NULL(tg_module_kernel(m, NULL), "name is null");
    IS_NULL(tg_module_kernel(m, "produce"), "no kernel 'produce'; did you mean 'product'?");
    IS_NULL(tg_module_kernel(m, "x"), "no kernel 'x'; there are: product, scale, even");
    IS_NULL(tg_module_kernel_at(m, 3), "there is no kernel 3: the module has 3");
}

Test(messages, launches) {
    tg_tensor *half = make(TG_F16, 2, 5, 6), *numbers = make(TG_I64, 2, 4, 5),
              *wide = make(TG_F32, 2, 4, 7), *odd = make(TG_F32, 1, 3, 0);
    tg_tensor *spread = tg_tensor_view(y, 2, (int64_t[]){4, 6}, (int64_t[]){0, 1}, 0);
    INVALID(tg_launch(product, NULL, 3), "product: values is null, n_values is 3");
    INVALID(tg_launch(product, NULL, 0), "product: A is missing, which decides type T");
    INVALID(tg_launch(product, TG_ARGS(a, b)), "product: C is missing");
    INVALID(tg_launch(product, TG_ARGS(a, (void *)0, y)), "product: B is missing");
    INVALID(tg_launch(product, TG_ARGS(a, b, y, 1.0, 2, 3)),
            "product takes 5 arguments, 6 given");
    INVALID(tg_launch(product, TG_ARGS(a, b, v)), "product: C has 1 dimensions, expected 2");
    INVALID(tg_launch(product, TG_ARGS(a, half, y)), "product: T is f32 in A but f16 in B");
    INVALID(tg_launch(product, TG_ARGS(numbers, b, y)),
            "product: T = i64 (from A) is not a type that product accepts: ");
    INVALID(tg_launch(product, TG_ARGS(a, 3, y)),
            "product: B is a tensor; argument 2 is a number");
    INVALID(tg_launch(product, TG_ARGS(a, b, y, a)),
            "product: alpha is a number; argument 4 is a tensor");
    INVALID(tg_launch(product, TG_ARGS(a, b, y, 1.0, 2.5)),
            "product: q takes i64, not a floating-point number");
    INVALID(tg_launch(product, TG_ARGS(a, b, y, 1.0, (double)NAN)), "product: q takes i64");
    INVALID(tg_launch(scale, TG_ARGS(v, 300, 1, 2)), "scale: k = 300 does not fit u8");
    INVALID(tg_launch(scale, TG_ARGS(v, -1, 1, 2)), "scale: k = -1 does not fit u8");
    INVALID(tg_launch(scale, TG_ARGS(v, 2, 1, UINT64_MAX)), "scale: n = 18446744073709551615 does not fit i64");
    INVALID(tg_launch(scale, TG_ARGS(v, 2, 7, 2)), "scale: b = 7 does not fit bool");
    INVALID(tg_launch(scale, TG_ARGS(v, 2, 1, 1e30)), "scale: n takes i64");
    INVALID(tg_launch(scale, TG_ARGS(v, 2, 1)), "scale: n has no value and no default");
    FAILS(tg_launch(product, TG_ARGS(a, b, wide)), TG_ERROR_LAUNCH,
          "product: L0901: N is 6 in B but 7 in C");
    FAILS(tg_launch(product, TG_ARGS(a, a, y)), TG_ERROR_LAUNCH,
          "product: L0901: K is 5 in A but 4 in B");
    FAILS(tg_launch(product, TG_ARGS(a, b, spread)), TG_ERROR_LAUNCH,
          "product: L0905: C is written but its strides let elements overlap");
    FAILS(tg_launch(even, TG_ARGS(v, v)), TG_ERROR_LAUNCH, "even: L0905: Y overlaps X");
    FAILS(tg_launch(even, TG_ARGS(odd, odd)), TG_ERROR_LAUNCH,
          "even: L0904: even requires N % 2 == 0; here N = 3");
    cr_expect_eq(tg_launch(product, TG_ARGS(a, b, y, (double)NAN, 2)),
                 TG_OK); /* a value as good as any */
    tg_tensor *none = make(TG_F32, 2, 0, 5), *nothing = make(TG_F32, 2, 0, 6);
    cr_expect_eq(tg_launch(product, TG_ARGS(none, b, nothing)), TG_OK);
    tg_tensor *all[] = {half, numbers, wide, odd, spread, none, nothing};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        tg_tensor_release(all[i]);
    }
}

Test(messages, tensors) {
    const int64_t shape[9] = {1, 1, 1, 1, 1, 1, 1, 1, 1};
    IS_NULL(tg_tensor_create(c, (tg_dtype)99, 1, shape), "dtype 99 is no element type");
    IS_NULL(tg_tensor_create(c, TG_F32, 9, shape), "rank is 9, at most 8");
    IS_NULL(tg_tensor_create(c, TG_F32, 1, NULL), "shape is null, rank is 1");
    IS_NULL(tg_tensor_create(c, TG_F32, 2, ((int64_t[]){4, -1})),
            "dimension 1 is negative (-1)");
    IS_NULL(tg_tensor_create(c, TG_F32, 2, ((int64_t[]){INT64_C(1) << 40, INT64_C(1) << 40})),
            "2^63 bytes");
    IS_NULL(tg_tensor_from_memory(c, TG_F32, 1, shape, NULL, NULL, NULL, NULL),
            "data is null, but the tensor has elements");
    float one[4];
    static const int64_t far[][2] = {{INT64_MAX / 2, 1}, {INT64_MIN, 1}, {INT64_C(1) << 58, 1}, {1, -(INT64_C(1) << 59)}};
    for (int i = 0; i < 4; i++) {
        IS_NULL(tg_tensor_from_memory(c, TG_F32, 2, ((int64_t[]){3, 2}), far[i], one, NULL, NULL),
                "shape and strides reach over 2^60 bytes or more");
    }
    tg_tensor *alone = tg_tensor_from_memory(c, TG_F32, 2, shape, far[0], one, NULL, NULL);
    cr_expect_not_null(alone); /* the stride of one element does not matter */
    tg_tensor_release(alone);
    IS_NULL(tg_tensor_slice(a, 5, 0, 1), "slice of dimension 5: the tensor has 2 dimensions");
    IS_NULL(tg_tensor_slice(a, 0, 2, 9),
            "slice [2, 9) is outside of dimension 0, which has 4 elements");
    IS_NULL(tg_tensor_slice(a, 0, 3, 1), "slice [3, 1)");
    IS_NULL(tg_tensor_permute(a, NULL), "order is null");
    IS_NULL(tg_tensor_permute(a, ((uint32_t[]){0, 0})),
            "order[1] is 0: each of 0 to 1 stands in it once");
    IS_NULL(tg_tensor_view(a, 1, ((int64_t[]){21}), ((int64_t[]){1}), 0),
            "the view needs elements 0 to 20, its tensor has 0 to 19");
    IS_NULL(tg_tensor_view(a, 1, ((int64_t[]){2}), NULL, 0), "strides is null");
    IS_NULL(tg_tensor_view(a, 9, shape, shape, 0), "rank is 9, at most 8");
    IS_NULL(tg_tensor_view(a, 1, ((int64_t[]){3}), ((int64_t[]){INT64_MAX}), 0), "overflow");
    INVALID(tg_tensor_copy(a, NULL), "from is null");
    INVALID(tg_tensor_copy(a, v), "copy from 1 dimensions to 2");
    INVALID(tg_tensor_copy(a, y), "copy: dimension 1 is 6 in `from` but 5 in `to`");
    INVALID(tg_tensor_fill_random(a, 1, 2, 1),
            "low is 2 and high is 1: low <= high is expected");
    INVALID(tg_tensor_fill_random(a, 1, (double)NAN, 1), "low <= high");
    INVALID(tg_tensor_fill_random(a, 1, 0, (double)INFINITY), "low is 0 and high is inf: finite numbers are expected");
}

static tg_status prepare(const char *binding) {
    tg_kernel_spec spec = {.struct_size = sizeof spec, .bindings = &binding, .n_bindings = 1};
    return tg_kernel_prepare(product, &spec);
}

Test(messages, kernels) {
    INVALID(prepare("Q=4"), "product has no type parameter or constant 'Q'");
    INVALID(prepare("T"), "product: a binding is T, expected NAME=VALUE");
    INVALID(prepare(NULL), "product: a binding is null, expected NAME=VALUE");
    INVALID(prepare(""), "product: a binding is empty, expected NAME=VALUE");
    INVALID(prepare("T=i32"), "'i32' is not a type that T of product accepts: ");
    INVALID(prepare("q=x"), "product: 'q=x' is no number, true or false");
    INVALID(prepare("q=1"), "product: no value for T; give a binding \"T=…\"");
    static const char *const numbers[] = {"q=99999999999999999999", "q=-9223372036854775809", "q=0x1ffffffffffffffff", "q=18446744073709551615"};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        const char *list[] = {"T=f32", numbers[i]};
        tg_kernel_spec large = {.struct_size = sizeof large, .bindings = list, .n_bindings = 2};
        INVALID(tg_kernel_prepare(product, &large), "product: the value does not fit the type of q");
    }
    static const char *const twice[][2] = {{"T=f32", "T=f64"}, {"q=1", "q=1"}};
    for (size_t i = 0; i < 2; i++) {
        tg_kernel_spec list = {.struct_size = sizeof list, .bindings = twice[i], .n_bindings = 2};
        INVALID(tg_kernel_prepare(product, &list), i ? "product: q is bound twice" : "product: T is bound twice");
    }
    tg_kernel_spec empty = {.struct_size = sizeof empty, .n_bindings = 1};
    INVALID(tg_kernel_prepare(product, &empty), "spec.bindings is null, spec.n_bindings is 1");
    empty.n_bindings = 0;
    empty.n_absent = 2;
    INVALID(tg_kernel_prepare_async(product, &empty), "spec.absent is null, spec.n_absent is 2");
    const char *both[] = {"T=f32", "q=1.5"}, *absent = NULL;
    tg_kernel_spec spec = {.struct_size = sizeof spec, .bindings = both, .n_bindings = 2};
    INVALID(tg_kernel_prepare(product, &spec), "product: the value does not fit the type of q");
    spec.n_bindings = 1;
    spec.absent = &absent;
    spec.n_absent = 1;
    INVALID(tg_kernel_prepare(product, &spec), "product: a name in `absent` is null");
    absent = "A";
    INVALID(tg_kernel_prepare(product, &spec), "product has no optional tensor 'A'");
    spec.struct_size = 3;
    INVALID(tg_kernel_prepare(product, &spec), "spec has struct_size 3, expected ");
    tg_parameter_info info = {.struct_size = sizeof info};
    INVALID(tg_kernel_parameter(product, 9, &info), "product: there is no parameter 9 of 5");
    INVALID(tg_kernel_parameter(product, 0, NULL), "info is null");
    info.struct_size = 1;
    INVALID(tg_kernel_parameter(product, 0, &info), "info has struct_size 1, expected ");
    int64_t shape[8];
    INVALID(tg_kernel_infer_shape(product, TG_ARGS(a, b), 9, shape),
            "product: there is no parameter 9");
    INVALID(tg_kernel_infer_shape(product, TG_ARGS(a, b), 3, shape),
            "product: parameter 3 is a number, not a tensor");
    INVALID(tg_kernel_infer_shape(product, TG_ARGS(a), 2, shape),
            "do not determine the shape of C");
    INVALID(tg_kernel_infer_shape(product, TG_ARGS(a, b), 2, NULL), "shape is null");
    INVALID(tg_kernel_infer_shape(product, TG_ARGS(v, b), 2, shape), "product: A has 1 dimensions, expected 2");
}

Test(messages, schedules) {
    tg_schedule_options o = TG_SCHEDULE_OPTIONS_INIT;
    tg_kernel *k;
    INVALID(tg_kernel_with_schedule(product, NULL, &k), "options is null");
    INVALID(tg_kernel_with_schedule(product, &o, NULL), "out is null");
    o.struct_size = 2;
    INVALID(tg_kernel_with_schedule(product, &o, &k), "struct_size");
    static const char *const wrong[][2] = {
        {"z = 4", "E07"}, {"m = ", "E01"}, {"reg(m) = 999", "E0703"}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        tg_schedule_options given = TG_SCHEDULE_OPTIONS_INIT;
        given.schedule = wrong[i][0];
        tg_status s = tg_kernel_with_schedule(product, &given, &k);
        s = s ? s : tg_launch(k, TG_ARGS(a, b, y)); /* it is read when the kernel is compiled */
        cr_expect_eq(s, TG_ERROR_COMPILE, "%s", wrong[i][0]);
        cr_expect(strstr(tg_last_error(c), wrong[i][1]), "%s: %s", wrong[i][0],
                  tg_last_error(c));
        tg_kernel_release(k);
    }
}
