/* The macros of the C API from C++. */
#include <tegula/tegula.h>

tg_status use(tg_kernel *kernel, tg_tensor *a, const tg_tensor *b);
tg_status use(tg_kernel *kernel, tg_tensor *a, const tg_tensor *b) {
    tg_context_options options = TG_CONTEXT_OPTIONS_INIT;
    tg_context *context = nullptr;
    if (tg_context_create(&options, &context)) {
        return TG_ERROR_INTERNAL;
    }
    tg_context_destroy(context);
    return tg_launch(kernel, TG_ARGS(a, b, nullptr, 1.0f, 2, 3u, 4L, 5ULL, true));
}
