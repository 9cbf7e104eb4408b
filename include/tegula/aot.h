/* Running kernels compiled ahead of time by `tegula build`: no compiler and no LLVM at run
 * time.
 *
 *   tegula build gemm.dsl --kernel gemm -o gemm.o --header gemm.h
 *   cc app.c gemm.o -ltegula_rt -lpthread -lm
 *
 *   tg_aot *rt;
 *   tg_aot_create(0, &rt);
 *   tg_aot_tensor a = tg_aot_dense(TG_F32, 2, (int64_t[]){1024, 512}, a_data);   // b, c alike
 *   if (gemm_launch(rt, &a, &b, &c, 1.0)) fputs(tg_aot_last_error(rt), stderr);
 *
 * The object holds one variant: its types and constants are fixed, and which optional tensors are given; shapes and strides are not.
 * Several variants of a kernel in one program have a name each (--name). */
#ifndef TEGULA_AOT_H
#define TEGULA_AOT_H

#include "tegula/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Threads and memory for launches. */
typedef struct tg_aot tg_aot;
struct tg_rt;

/** A tensor argument: caller's memory, strides in elements. */
typedef struct tg_aot_tensor {
    tg_dtype dtype;
    uint32_t rank;
    void *data; /**< null only without elements */
    int64_t shape[8], strides[8];
} tg_aot_tensor;

/** One launch argument of the generic launcher; the generated one fills it. */
typedef struct tg_aot_arg {
    const tg_aot_tensor *tensor; /**< null: absent, or a scalar */
    int32_t is_float;            /**< scalars: value in f, else in i */
    union {
        int64_t i;
        double f;
    } scalar;
} tg_aot_arg;

/** A compiled kernel as its generated header describes it. */
typedef struct tg_aot_kernel {
    size_t struct_size;
    int32_t abi_version;
    int32_t flags; /**< 1: prints, so runs serially */
    const char *name;
    int32_t (*entry)(const struct tg_rt *rt, const void *const *args);
    const unsigned char *signature;
    size_t signature_size;
    const tg_dtype *types; /**< of the type parameters */
    uint32_t n_types, n_consts;
    const double *consts; /**< of the constants, in order */
    const char *arch;     /**< instruction sets of the code, such as "avx2" or "avx512vnni+avx512bf16"; null: any has them */
    uint64_t absent;      /**< bit i: the code is for launches without parameter i, an optional tensor */
} tg_aot_kernel;

/** Creates what launches need. @param n_threads 0: all processors. OUT_OF_MEMORY. Any thread. */
TG_API tg_status tg_aot_create(int32_t n_threads, tg_aot **out);
/** Null is fine. No launch may be running. */
TG_API void tg_aot_destroy(tg_aot *rt);
/** Text of the last failed launch on any thread; "" if none. Copy it before the next launch
 * fails. */
TG_API const char *tg_aot_last_error(const tg_aot *rt);

/** Checks the arguments and runs the kernel. INVALID_ARGUMENT (also: other types, constants or
 * optional tensors than compiled), UNSUPPORTED (the processor lacks the
 * instruction set), LAUNCH (a check L09xx), OUT_OF_MEMORY. Any thread, several at once. */
TG_API tg_status tg_aot_launch(tg_aot *rt, const tg_aot_kernel *kernel, const tg_aot_arg *args,
                               uint32_t n_args);

static inline tg_aot_arg tg_aot_tensor_arg(const tg_aot_tensor *tensor) {
    tg_aot_arg a;
    a.tensor = tensor;
    a.is_float = 0;
    a.scalar.i = 0;
    return a;
}
static inline tg_aot_arg tg_aot_int_arg(int64_t i) {
    tg_aot_arg a = tg_aot_tensor_arg(0);
    a.scalar.i = i;
    return a;
}
static inline tg_aot_arg tg_aot_float_arg(double f) {
    tg_aot_arg a = tg_aot_tensor_arg(0);
    a.is_float = 1;
    a.scalar.f = f;
    return a;
}
/** Row-major tensor over `data`. */
static inline tg_aot_tensor tg_aot_dense(tg_dtype dtype, uint32_t rank, const int64_t *shape,
                                         void *data) {
    tg_aot_tensor t;
    int64_t stride = 1;
    uint32_t d;
    t.dtype = dtype;
    t.rank = rank;
    t.data = data;
    for (d = 0; d < 8; d++) {
        t.shape[d] = t.strides[d] = 1;
    }
    for (d = rank < 8 ? rank : 8; d-- > 0;) {
        t.shape[d] = shape[d];
        t.strides[d] = stride;
        stride *= shape[d];
        if (d + 1 == rank && tg_dtype_bits(dtype) == 4) {
            stride += stride % 2;
        }
    }
    return t;
}

#ifdef __cplusplus
}
#endif
#endif
