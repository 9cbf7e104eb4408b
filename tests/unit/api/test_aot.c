/* The launcher for ahead-of-time kernels, with an entry written by hand. */
#include "base/abi.h"
#include "tegula/aot.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

/* The linker sends the library's calls here (--wrap): the one numbered `fail_at` fails. */
static _Atomic long n_calls, live;
static long fail_at;
void *__real_malloc(size_t size);
void *__real_aligned_alloc(size_t align, size_t size);
void __real_free(void *p);
void *__wrap_malloc(size_t size);
void *__wrap_aligned_alloc(size_t align, size_t size);
void __wrap_free(void *p);

static void *counted(void *p) {
    live += p != NULL;
    return p;
}

void *__wrap_malloc(size_t size) {
    return ++n_calls == fail_at ? NULL : counted(__real_malloc(size));
}

void *__wrap_aligned_alloc(size_t align, size_t size) {
    return ++n_calls == fail_at ? NULL : counted(__real_aligned_alloc(align, size));
}

void __wrap_free(void *p) {
    live -= p != NULL;
    __real_free(p);
}

/* kernel twice(in f32 X[N], out f32 Y[N], f32 s) */
static int32_t twice(const tg_rt *rt, const void *const *args) {
    const tg_tensor_arg *x = args[0], *y = args[1];
    double s = *(const double *)args[2];
    (void)rt;
    for (int64_t i = 0; i < x->shape[0]; i++) {
        ((float *)y->data)[i * y->stride[0]] =
            (float)s * ((const float *)x->data)[i * x->stride[0]];
    }
    return 0;
}

static int32_t twice_task(const void *frame, int64_t begin, int64_t end, tg_worker *worker) {
    const void *const *args = frame;
    const tg_tensor_arg *x = args[0], *y = args[1];
    for (int64_t i = begin; i < end; i++) {
        float *more = worker->alloc(worker, 100000);
        if (!more) {
            return TG_ERROR_OUT_OF_MEMORY;
        }
        *more = *(float *)worker->scratch = ((const float *)x->data)[i];
        ((float *)y->data)[i] = *more + *(float *)worker->scratch;
        worker->reset(worker);
    }
    return 0;
}

/* The same with memory from everywhere that an entry has it from: more workspaces than a launch keeps track of by itself, and
 * scratch of threads, whose size is known before and not. */
static int32_t twice_with_memory(const tg_rt *rt, const void *const *args) {
    enum { N_BLOCKS = 20 };
    for (int i = 0; i < N_BLOCKS; i++) {
        char *block = rt->workspace(rt, 1000 * (i + 1));
        if (!block) {
            return TG_ERROR_OUT_OF_MEMORY;
        }
        memset(block, i, 1000 * (size_t)(i + 1));
    }
    const tg_tensor_arg *x = args[0];
    return rt->parallel(rt, twice_task, args, x->shape[0], 5000);
}

static tg_strbuf write_signature(tg_arena *arena) {
    static tg_sig_instr n_code[] = {{TG_SE_DIM, {0}}};
    static tg_sig_expr shape[] = {{n_code, 1, false}};
    static const char *shape_text[] = {"N"};
    static const tg_dtype members[] = {TG_F32, TG_F64};
    static tg_sig_tparam tparams[] = {{"T", members, 2}};
    static tg_sig_param params[] = {
        {.name = "X",
         .kind = TG_SP_IN,
         .const_slot = -1,
         .type = {TG_DTYPE_NONE, 0, false},
         .rank = 1,
         .shape = shape,
         .shape_text = shape_text},
        {.name = "Y",
         .kind = TG_SP_OUT,
         .const_slot = -1,
         .type = {TG_DTYPE_NONE, 0, false},
         .rank = 1,
         .shape = shape,
         .shape_text = shape_text},
        {.name = "s", .kind = TG_SP_SCALAR, .const_slot = -1, .type = {TG_F32, -1, false}},
    };
    static tg_sig_dim dims[] = {{"N", false, -1}};
    static tg_sig_bind binds[] = {{0, 0, 0, 1, 0}};
    static tg_sig_check checks[] = {
        {.kind = TG_SC_DIM_AGREES, .param = 1, .d = 0, .dim = 0, .text = "N"}};
    tg_signature sig = {.name = "twice",
                        .tparams = tparams,
                        .n_tparams = 1,
                        .params = params,
                        .n_params = 3,
                        .dims = dims,
                        .n_dims = 1,
                        .binds = binds,
                        .n_binds = 1,
                        .checks = checks,
                        .n_checks = 1};
    tg_strbuf out;
    tg_strbuf_init(&out, arena);
    tg_signature_write(&sig, &out);
    return out;
}

static tg_aot_kernel make_kernel(tg_arena *arena) {
    static const tg_dtype types[] = {TG_F32};
    tg_strbuf sig = write_signature(arena);
    return (tg_aot_kernel){sizeof(tg_aot_kernel),
                           TG_ABI_VERSION,
                           0,
                           "twice",
                           twice,
                           (const unsigned char *)sig.data,
                           sig.len,
                           types,
                           1,
                           0,
                           NULL,
                           NULL,
                           0};
}

Test(aot, launches) {
    tg_unwind u;
    tg_arena *arena = tg_arena_create(&tg_allocator_default, &u);
    if (TG_PROTECT(&u)) {
        cr_assert_fail("out of memory");
    }
    tg_aot_kernel k = make_kernel(arena);
    tg_aot *rt;
    cr_assert_eq(tg_aot_create(2, &rt), TG_OK);
    float x[] = {1, 2, 3}, y[3] = {0};
    double z[3];
    tg_aot_tensor tx = tg_aot_dense(TG_F32, 1, (int64_t[]){3}, x),
                  ty = tg_aot_dense(TG_F32, 1, (int64_t[]){3}, y);
    tg_aot_arg args[] = {tg_aot_tensor_arg(&tx), tg_aot_tensor_arg(&ty), tg_aot_float_arg(2.0)};
    cr_assert_eq(tg_aot_launch(rt, &k, args, 3), TG_OK, "%s", tg_aot_last_error(rt));
    cr_assert_eq(tg_aot_launch(rt, &k, args, 3), TG_OK);
    cr_assert(y[0] == 2 && y[2] == 6);
    ty.shape[0] = 2;
    cr_assert_eq(tg_aot_launch(rt, &k, args, 3), TG_ERROR_LAUNCH);
    cr_assert(strstr(tg_aot_last_error(rt), "L0901"));
    tx = tg_aot_dense(TG_F64, 1, (int64_t[]){3}, z);
    ty = tg_aot_dense(TG_F64, 1, (int64_t[]){3}, z);
    cr_assert_eq(tg_aot_launch(rt, &k, args, 3), TG_ERROR_INVALID_ARGUMENT);
    cr_assert(strstr(tg_aot_last_error(rt), "compiled for T = f32"), "%s",
              tg_aot_last_error(rt));
    cr_assert_eq(tg_aot_launch(rt, &k, args, 2), TG_ERROR_INVALID_ARGUMENT);
    k.signature_size = 5;
    tg_aot_kernel broken = k;
    cr_assert_eq(tg_aot_launch(rt, &broken, args, 3), TG_ERROR_INVALID_ARGUMENT);
    tg_aot_kernel old = k;
    old.abi_version = 6;
    cr_assert_eq(tg_aot_launch(rt, &old, args, 3), TG_ERROR_INVALID_ARGUMENT);
    cr_assert(strstr(tg_aot_last_error(rt), "twice: built for version 6 of the runtime, "), "%s", tg_aot_last_error(rt));
    tg_aot_destroy(rt);
    tg_aot_destroy(NULL);
    tg_arena_destroy(arena);
}

static tg_status session(const tg_aot_kernel *k) {
    tg_aot *rt;
    float x[] = {1, 2, 3}, y[3] = {0};
    tg_aot_tensor tx = tg_aot_dense(TG_F32, 1, (int64_t[]){3}, x),
                  ty = tg_aot_dense(TG_F32, 1, (int64_t[]){3}, y);
    tg_aot_arg args[] = {tg_aot_tensor_arg(&tx), tg_aot_tensor_arg(&ty), tg_aot_float_arg(2.0)};
    tg_status s = tg_aot_create(2, &rt);
    if (s == TG_OK) {
        s = tg_aot_launch(rt, k, args, 3);
        cr_assert(s != TG_OK || y[2] == 6);
        tg_aot_destroy(rt);
    }
    return s;
}

static void sweep(const tg_aot_kernel *k, long least) {
    tg_status s = TG_ERROR_OUT_OF_MEMORY;
    long n;
    for (n = 0; s != TG_OK;) {
        n_calls = live = 0;
        fail_at = ++n;
        s = session(k);
        fail_at = 0;
        cr_assert(s == TG_OK || s == TG_ERROR_OUT_OF_MEMORY, "allocation %ld: %s", n,
                  tg_status_name(s));
        cr_assert_eq(live, 0, "allocation %ld: %ld leaked", n, (long)live);
        cr_assert(n < 1000);
    }
    cr_assert(n > least, "%ld", n);
}

Test(aot, every_failure_is_reported) {
    tg_unwind u;
    tg_arena *arena = tg_arena_create(&tg_allocator_default, &u);
    if (TG_PROTECT(&u)) {
        cr_assert_fail("out of memory");
    }
    tg_aot_kernel k = make_kernel(arena);
    sweep(&k, 5);
    k.entry = twice_with_memory;
    sweep(&k, 25);
    tg_arena_destroy(arena);
}
