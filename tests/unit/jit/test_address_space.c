/* Under a limit of the address space a compile is an error value, though LLVM itself would end the process. */
#include "jit_fixture.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static rlim_t address_space(void) {
    unsigned long pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    int n = f ? fscanf(f, "%lu", &pages) : 0;
    if (f) {
        fclose(f);
    }
    return n == 1 ? (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE) : 0;
}

/* 0: it ran; 1: out of memory, said so and worked once there was some; 2: anything else. */
static int compile_within(rlim_t more) {
    tg_context *c = jit_context(NULL, 0, 0);
    tg_module *m = jit_module(c);
    int64_t shape[] = {20, 20};
    tg_tensor *x = tg_tensor_create(c, TG_F32, 2, shape), *y = tg_tensor_create(c, TG_F32, 2, shape);
    struct rlimit least = {address_space() + more, RLIM_INFINITY}, none = {RLIM_INFINITY, RLIM_INFINITY};
    if (setrlimit(RLIMIT_AS, &least)) {
        return 2;
    }
    tg_status s = tg_launch(tg_module_kernel(m, "gemm"), TG_ARGS(x, x, y));
    bool said = s != TG_ERROR_OUT_OF_MEMORY || strstr(tg_last_error(c), "out of memory");
    bool works = setrlimit(RLIMIT_AS, &none) == 0 && tg_launch(tg_module_kernel(m, "gemm"), TG_ARGS(x, x, y)) == TG_OK;
    return !said || !works || (s && s != TG_ERROR_OUT_OF_MEMORY) ? 2 : s != TG_OK;
}

Test(jit, little_address_space, .timeout = 200) {
    int n_ran = 0, n_refused = 0;
    for (int mib = 0; mib <= 480; mib += mib < 200 ? 3 : 20) {
        pid_t child = fork();
        if (child == 0) {
            _exit(compile_within((rlim_t)mib << 20));
        }
        int status;
        cr_assert_eq(waitpid(child, &status, 0), child);
        cr_expect(WIFEXITED(status) && WEXITSTATUS(status) < 2, "%d MiB: code %d, signal %d", mib, WEXITSTATUS(status), WTERMSIG(status));
        n_ran += status == 0;
        n_refused += WIFEXITED(status) && WEXITSTATUS(status) == 1;
    }
    cr_expect(n_ran > 0 && n_refused > 0);
}
