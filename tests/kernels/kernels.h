/* Every kernel of the standard library and of tests/corpus against two witnesses: a reference in plain C, written
 * from the mathematics, and the interpreter, which also says how far a correct result may be from the unrounded one.
 *
 *   table.c      one row per kernel: data, cases, blocks; the library's come from stdlib/stdlib.def
 *   ref_*.c      references of the corpus; those of the library are in stdlib/ref/
 *   data.c       a case's text → types, constants, dimensions, tensors; what lies behind them, or by turns before them, may not be touched
 *   check.c      one case: x86 against the interpreter, the interpreter against the reference
 *   main.c       rows over worker processes
 *
 * References see every tensor as dense doubles (complex: pairs), after rounding to the element type. */
#ifndef TG_TESTS_KERNELS_H
#define TG_TESTS_KERNELS_H

#include "dsl/interp/interp.h"
#include "stdlib/ref/ref.h"
#include "stdlib/stdlib.h"
#include "tegula/tegula.h"

typedef struct kernel_row {
    const char *file, *kernel;
    bool estimate; /* its FLOPs depend on the data */
    bool is_std;   /* a row of stdlib.def */
    tg_std_row std;
    kcase_fn reference;
    /* Inputs that are not independent random numbers; may be null. */
    kcase_fn prepare;
    /* "f32 bf16": the first one runs all cases, the others the first two. */
    const char *types;
    /* "ids=0:V-1 off=sorted:R perm=perm" */
    const char *fills;
    /* "M=3 N=5 act=true -bias|…": dimensions, scalars, absent tensors, and how tensors lie: `strided`, `cropped`,
     * `transposed`, `moved`, `reversed`. */
    const char *cases;
    /* Axes whose blocks are varied on the first case; may be null. */
    const char *blocks;
    /* "m = 8; n = 24|order = (n, m)": schedules under which all cases run too; may be null. */
    const char *schedules;
    /* Some literals are rounded to a narrow type: the interpreter may use its whole bound. */
    bool literals;
    /* One thread: the order of instances shows in the result. */
    bool serial;
    /* Checks memory behind pointers after each run, with kcase_fail; may be null. */
    kcase_fn finish;
} kernel_row;

extern const kernel_row kernel_rows[];
extern const uint32_t n_kernel_rows;

enum { KCASE_MEMORY = 8 };

struct kcase {
    const kernel_row *row;
    tg_kernel *kernel;
    const char *text, *type;
    bool strided, cropped, transposed, moved, reversed;
    bool exact; /* code for the shapes and strides of the case alone */
    bool at_start; /* tensors begin where memory does; else they end where it ends */
    uint64_t seed;
    tg_selection selection;
    tg_launch_binding binding;
    tg_argument values[TG_MAX_PARAMS];
    tg_scalar scalars[TG_MAX_PARAMS];
    tg_tensor *tensors[TG_MAX_PARAMS];
    tg_tensor *expected[TG_MAX_PARAMS]; /* of the interpreter; tensors that are written */
    double *elements[TG_MAX_PARAMS]; /* contents before the launch; the reference writes here */
    void *memory[KCASE_MEMORY];      /* for `prepare`: freed with the case */
    const char *stage;
    int64_t n, n_open; /* elements compared, elements whose bound is infinite */
    bool failed;
    char message[640];
};

/* What the references use besides stdlib/ref/ref.h. */
void kpointer(kcase *c, const char *name, void *p); /* gives a `ptr` parameter its value */
void kcase_fail(kcase *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Makes the arguments, runs `prepare`; false after kcase_fail. */
bool kcase_make(kcase *c, const kernel_row *row, tg_kernel *kernel, const char *text,
                const char *type, uint64_t seed);
void kcase_free(kcase *c);
/* Contents before the launch into the tensors that are written. */
void kcase_reset(kcase *c, double *const before[TG_MAX_PARAMS]);
bool kcase_is_written(const kcase *c, uint32_t i);
int64_t kcase_width(const kcase *c, uint32_t i); /* doubles per element: 2 for complex */

/* Runs and compares; block > 0: that block size for the axes in row->blocks. */
void kcase_check(kcase *c, int64_t block);

/* ref_dense.c, ref_window.c */
kcase_function ref_add, ref_gemm, ref_gemm_gptq, ref_gemm_mx, ref_maxpool, ref_stencil7;
/* ref_scan.c */
kcase_function ref_fft, ref_fft_rows, ref_rfft_post, ref_cumsum, prepare_segmented,
    ref_segmented_scan, ref_mamba, ref_linear_attention;
/* ref_misc.c */
kcase_function ref_spmv, ref_nbody, ref_mandelbrot, ref_black_scholes, ref_kmeans_assign,
    prepare_cholesky, ref_cholesky, prepare_lu4, ref_lu4, prepare_nms, ref_nms, ref_levenshtein,
    ref_compact, ref_batch_norm_stats, ref_any_label, ref_residual_norm, ref_splat, ref_segments;
/* ref_grid.c */
kcase_function ref_median, ref_ranks, ref_sort_columns, ref_limits, prepare_special;
kcase_function ref_sobel, ref_heat, ref_ctc, ref_deform_conv, ref_chunk_scan, ref_crc32, ref_search, ref_nibbles;
kcase_function ref_jacobi, ref_torus, ref_window, ref_moved, ref_prefixes, ref_turn, ref_turn_part, ref_joined, ref_attraction, ref_groups, prepare_waves, ref_waves;
/* ref_searches.c */
kcase_function ref_viterbi, ref_run_lengths, ref_route, ref_decode, ref_beam;
/* ref_std.c */
kcase_function ref_activations, ref_rows, ref_small;
/* ref_pixels.c */
kcase_function ref_recolour, ref_channels, ref_quads, ref_partly;
/* ref_memory.c */
kcase_function prepare_raw, ref_raw, prepare_grouped_gemm, ref_grouped_gemm;
kcase_function finish_raw, finish_grouped_gemm;

#endif
