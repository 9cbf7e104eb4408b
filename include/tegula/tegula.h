/* Tegula: block-level kernels compiled inside a C program. This header includes the whole API.
 *
 *   tg_context *ctx;
 *   tg_module *mod;
 *   tg_context_create(NULL, &ctx);
 *   if (tg_module_load_file(ctx, "gemm.dsl", &mod)) { fputs(tg_last_error(ctx), stderr); return 1; }
 *   tg_kernel *gemm = tg_module_kernel(mod, "gemm");
 *   tg_tensor *a = tg_tensor_create(ctx, TG_F32, 2, (int64_t[]){1024, 512});   // b, c alike
 *   tg_launch(gemm, TG_ARGS(a, b, c, 1.0f));                                   // compiles on first use
 */
#ifndef TEGULA_TEGULA_H
#define TEGULA_TEGULA_H

#include "tegula/aot.h"
#include "tegula/autotune.h"
#include "tegula/base.h"
#include "tegula/call.h"
#include "tegula/context.h"
#include "tegula/dlpack.h"
#include "tegula/kernel.h"
#include "tegula/launch.h"
#include "tegula/module.h"
#include "tegula/ops.h"
#include "tegula/tensor.h"
#include "tegula/version.h"

#endif
