/* Ours and the peers kept to an instruction set (bench/isa.c). */
#define _GNU_SOURCE /* setenv */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "bench/peers.h"

static int loops_kept;

void bench_hand_keep_to_avx2(void) { /* in place of that of bench/hand.c */
    loops_kept++;
}

Test(bench_isa, keeps_ours_peers_and_loops_to_avx2) {
    setenv("OPENBLAS_CORETYPE", "SkylakeX", 1);
    cr_assert(bench_keep_to("avx2"));
    cr_expect_str_eq(getenv("TEGULA_ARCH"), "avx2");
    cr_expect_str_eq(getenv("ONEDNN_MAX_CPU_ISA"), "AVX2");
    cr_expect_str_eq(getenv("OPENBLAS_CORETYPE"), "Haswell");
    cr_expect_str_eq(getenv("ATEN_CPU_CAPABILITY"), "avx2");
    cr_expect_eq(loops_kept, 1);
}

Test(bench_isa, leaves_all_as_it_is_for_another_name) {
    unsetenv("TEGULA_ARCH");
    cr_expect(!bench_keep_to("sse9"));
    cr_expect(!getenv("TEGULA_ARCH"));
    cr_expect_eq(loops_kept, 0);
}
