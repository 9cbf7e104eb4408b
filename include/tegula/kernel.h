/* Kernels: what they take, and compiling them before the first launch. A kernel is shared
 * freely between threads and lives as long as its module. */
#ifndef TEGULA_KERNEL_H
#define TEGULA_KERNEL_H

#include "tegula/launch.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum tg_parameter_kind {
    TG_PARAMETER_IN = 0,
    TG_PARAMETER_OUT = 1,
    TG_PARAMETER_INOUT = 2,
    TG_PARAMETER_SCALAR = 3,
    TG_PARAMETER_POINTER = 4
} tg_parameter_kind;

/** One parameter of a kernel. Strings live as long as the module. */
typedef struct tg_parameter_info {
    size_t struct_size; /**< set by the caller: sizeof(tg_parameter_info) */
    const char *name;
    tg_parameter_kind kind;
    tg_dtype dtype;         /**< TG_DTYPE_NONE: given by type parameter `type_param` */
    const char *type_param; /**< null if the dtype is fixed */
    uint32_t rank;          /**< tensors */
    int32_t is_optional;    /**< tensors: may be absent; scalars: have a default */
    int32_t is_const;       /**< scalars: one compiled variant per value */
} tg_parameter_info;

/** Name of the kernel; lives as long as the module. Any thread. */
TG_API const char *tg_kernel_name(const tg_kernel *kernel);
TG_API uint32_t tg_kernel_n_parameters(const tg_kernel *kernel);
/** Describes parameter i. INVALID_ARGUMENT: null, i out of range, struct_size too small for a
 * name. */
TG_API tg_status tg_kernel_parameter(const tg_kernel *kernel, uint32_t i,
                                     tg_parameter_info *info);

/** Shape of tensor parameter i as the other arguments determine it, for allocating outputs.
 *
 * @param values  as for tg_launch; what is not known yet is TG_ARGUMENT_NONE
 * @param shape   receives tg_parameter_info.rank extents
 * @return INVALID_ARGUMENT if the arguments do not determine it. */
TG_API tg_status tg_kernel_infer_shape(const tg_kernel *kernel, const tg_argument *values,
                                       uint32_t n_values, uint32_t i, int64_t *shape);

/** What a kernel is specialised on, by name. */
typedef struct tg_kernel_spec {
    size_t struct_size; /**< sizeof(tg_kernel_spec) */
    /** "T=bf16", "D=64", "causal=true": type parameters, `const` dimensions and `const` scalars.
     * Scalars with a default may be left out. */
    const char *const *bindings;
    uint32_t n_bindings;
    /** Optional tensors that are absent. */
    const char *const *absent;
    uint32_t n_absent;
} tg_kernel_spec;

/** Compiles the variant now, so that its first launch does not: the one for tensors whose last dimension has stride 1, and for products of
 * more than 192 rows. Launches of others compile what they need, or tg_kernel_prepare_args does it for them. Fine if it exists.
 * @return INVALID_ARGUMENT (unknown or missing binding), COMPILE, UNSUPPORTED, OUT_OF_MEMORY. Any
 * thread. */
TG_API tg_status tg_kernel_prepare(tg_kernel *kernel, const tg_kernel_spec *spec);
/** The same for the variant that a launch with these arguments would use. Nothing is run. */
TG_API tg_status tg_kernel_prepare_args(tg_kernel *kernel, const tg_argument *values,
                                        uint32_t n_values);
/** Starts the compile on another thread and returns. Errors appear at tg_kernel_wait or the
 * launch. */
TG_API tg_status tg_kernel_prepare_async(tg_kernel *kernel, const tg_kernel_spec *spec);
/** Waits for all compiles of this kernel that were started by tg_kernel_prepare_async; the
 * status of the first that failed since the last wait, else OK. */
TG_API tg_status tg_kernel_wait(tg_kernel *kernel);

/** Packs an operand once for products that read it again and again: the weights of a layer, a matrix or the filters of a convolution.
 *
 * A product lays out one operand in panels that its inner loop walks through. Of a tensor that stays the same over many launches that is work
 * done again each time; the tensor that this gives holds the panels, and takes the place of operand i in launches and calls of the same
 * kernel with the same types. It may have any strides, so that a transposed matrix costs nothing afterwards.
 *
 * A packed tensor is good for nothing else: its dtype is TG_DTYPE_NONE, views, copies and other kernels refuse it. The layout is private to
 * the process and may be another one in the next version; keep the tensor, not the panels, on disk. A launch whose code wants other panels
 * (another schedule) is INVALID_ARGUMENT. Launches with a packed tensor take no schedule from a tuner, and tensors that
 * are written must have a last stride of 1; only one operand of a launch can be packed (both UNSUPPORTED).
 *
 * @param values  a launch as it would be without packing; the contents of the others do not matter
 * @param i       the parameter: an `in` tensor of two dimensions or more that only products read, each of its elements as it is: all
 *                dimensions but one are summed over, or at a fixed index. f32, f64, bf16, f16 and 8-bit integers, which keep their width; of
 *                bytes and bf16 products have to sum over whole dimensions
 * @param out     receives the packed tensor; null on failure. Free it with tg_tensor_release
 * @return as tg_kernel_prepare_args (the code is compiled); INVALID_ARGUMENT (no such operand), UNSUPPORTED (not read by products alone, a
 *         machine without fused multiply-add, other element types, products that run on AMX tiles), OUT_OF_MEMORY. Any thread. */
TG_API tg_status tg_kernel_pack(tg_kernel *kernel, const tg_argument *values, uint32_t n_values,
                                uint32_t i, tg_tensor **out);

/** A schedule from outside. Start from TG_SCHEDULE_OPTIONS_INIT. Grows at its end only, as tg_context_options does. */
typedef struct tg_schedule_options {
    size_t struct_size;
    /** Settings as between the braces of a `schedule` item: "m = 96; n = 512; reg(m) = 6; pack(B) = true". They are
     * applied after those of the source and replace them where both set the same target. Copied. */
    const char *schedule;
    /** Non-zero: the settings of the source are left out. */
    int32_t alone;
    int32_t reserved;
} tg_schedule_options;
#ifdef __cplusplus
#define TG_SCHEDULE_OPTIONS_INIT                                                               \
    { sizeof(tg_schedule_options), 0, 0, 0 }
#else
#define TG_SCHEDULE_OPTIONS_INIT                                                               \
    { .struct_size = sizeof(tg_schedule_options) }
#endif

/** The same kernel under another schedule: it takes the same arguments and means the same, but has compiled variants of its own,
 * in memory and on disk. For tuners, and for programs that know better than the model.
 *
 * Nothing is compiled or checked yet: tg_kernel_prepare and tg_launch of the new kernel return COMPILE with E0701, E0702, E0703 or
 * a syntax error, shown in a source called "<schedule>".
 *
 * @param kernel  any kernel; if it has a schedule from outside itself, that one is not inherited
 * @param out     receives the kernel; null on failure. Free it with tg_kernel_release, or with its module
 * @return INVALID_ARGUMENT (null, struct_size), OUT_OF_MEMORY. Any thread. */
TG_API tg_status tg_kernel_with_schedule(tg_kernel *kernel, const tg_schedule_options *options,
                                         tg_kernel **out);
/** Frees a kernel of tg_kernel_with_schedule with its machine code, after waiting for its background compiles. No launch of it may
 * be running. Null is fine; kernels that belong to a module are left alone. Any thread. */
TG_API void tg_kernel_release(tg_kernel *kernel);

/** What compiling has cost so far. */
typedef struct tg_kernel_stats {
    size_t struct_size;    /**< sizeof(tg_kernel_stats) */
    uint32_t n_variants;   /**< ready to launch */
    uint32_t n_from_cache; /**< of them, loaded from disk */
    double compile_ms;     /**< sum over the compiled ones */
    uint64_t code_bytes;   /**< object code of all */
} tg_kernel_stats;
TG_API tg_status tg_kernel_get_stats(const tg_kernel *kernel, tg_kernel_stats *stats);

#ifdef __cplusplus
}
#endif
#endif
