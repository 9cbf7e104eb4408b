/* Ours and the peers kept to an instruction set below the processor's, so that a machine with AVX-512 shows what one with AVX2
 * alone would. Each library reads a variable of its own when it is loaded, PyTorch's process inherits them. */
#define _GNU_SOURCE /* setenv */
#include <stdlib.h>
#include <string.h>

#include "bench/peers.h"

/* MKL obeys its variable on Intel's processors; on others it has no AVX-512 code. Debian's FFTW has none anywhere. Only memcpy
 * of the C library, which is chosen before main, stays as it is. */
static const char *const avx2[][2] = {
    {"TEGULA_ARCH", "avx2"},
    {"ONEDNN_MAX_CPU_ISA", "AVX2"},
    {"DNNL_MAX_CPU_ISA", "AVX2"}, /* its name before oneDNN 2.6, in PyTorch 1.13 */
    {"OPENBLAS_CORETYPE", "Haswell"},
    {"MKL_ENABLE_INSTRUCTIONS", "AVX2"},
    {"LIBXSMM_TARGET", "hsw"},
    {"ATEN_CPU_CAPABILITY", "avx2"},
};

bool bench_keep_to(const char *isa) {
    if (strcmp(isa, "avx2") != 0) {
        return false;
    }
    for (size_t i = 0; i < sizeof avx2 / sizeof *avx2; i++) {
        setenv(avx2[i][0], avx2[i][1], 1);
    }
    bench_hand_keep_to_avx2();
    return true;
}
