/* Exchange of tensors with other libraries by DLPack (https://dmlc.github.io/dlpack), versions
 * 0 (unversioned) and 1.
 *
 * The structures below have the layout of dlpack.h and can be cast to and from its types; they
 * carry own names so that both headers may be included. */
#ifndef TEGULA_DLPACK_H
#define TEGULA_DLPACK_H

#include "tegula/tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { TG_DLPACK_MAJOR = 1, TG_DLPACK_MINOR = 0, TG_DLPACK_CPU = 1 };
/** Flags of tg_dl_managed_versioned. */
enum { TG_DLPACK_READ_ONLY = 1, TG_DLPACK_IS_COPIED = 2 };
/** Values of tg_dl_dtype.code. */
enum {
    TG_DL_INT = 0,
    TG_DL_UINT = 1,
    TG_DL_FLOAT = 2,
    TG_DL_BFLOAT = 4,
    TG_DL_COMPLEX = 5,
    TG_DL_BOOL = 6
};

typedef struct tg_dl_device {
    int32_t type, id;
} tg_dl_device;
typedef struct tg_dl_dtype {
    uint8_t code, bits;
    uint16_t lanes;
} tg_dl_dtype;
typedef struct tg_dl_tensor {
    void *data;
    tg_dl_device device;
    int32_t ndim;
    tg_dl_dtype dtype;
    int64_t *shape, *strides; /**< strides in elements; null: row-major */
    uint64_t byte_offset;
} tg_dl_tensor;

/** DLManagedTensor */
typedef struct tg_dl_managed {
    tg_dl_tensor tensor;
    void *manager_ctx;
    void (*deleter)(struct tg_dl_managed *self);
} tg_dl_managed;

/** DLManagedTensorVersioned */
typedef struct tg_dl_managed_versioned {
    struct {
        uint32_t major, minor;
    } version;
    void *manager_ctx;
    void (*deleter)(struct tg_dl_managed_versioned *self);
    uint64_t flags;
    tg_dl_tensor tensor;
} tg_dl_managed_versioned;

/** Tensor over the memory of a DLPack capsule, which it takes over: the deleter runs with the
 * tensor's last reference. On failure the capsule stays the caller's. A capsule that is READ_ONLY gives a tensor, and views of it, that
 * only `in` parameters take: others, copies to it and fills are INVALID_ARGUMENT.
 *
 * @return INVALID_ARGUMENT (null, rank, misaligned or missing data, a major version other than
 *         1), UNSUPPORTED (device other than the CPU, dtype without a counterpart, lanes other
 *         than 1). */
TG_API tg_status tg_tensor_from_dlpack(tg_context *context, tg_dl_managed *capsule,
                                       tg_tensor **out);
TG_API tg_status tg_tensor_from_dlpack_versioned(tg_context *context,
                                                 tg_dl_managed_versioned *capsule,
                                                 tg_tensor **out);

/** Capsule over the tensor's memory, holding a reference until its deleter is called (by any
 * thread).
 *
 * @return UNSUPPORTED for types that DLPack 1.0 lacks (4-bit and 8-bit floats) and, in version 0, for read-only tensors; OUT_OF_MEMORY,
 *         INVALID_ARGUMENT. */
TG_API tg_status tg_tensor_to_dlpack(tg_tensor *tensor, tg_dl_managed **out);
TG_API tg_status tg_tensor_to_dlpack_versioned(tg_tensor *tensor,
                                               tg_dl_managed_versioned **out);

#ifdef __cplusplus
}
#endif
#endif
