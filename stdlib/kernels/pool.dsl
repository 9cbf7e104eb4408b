/// Pooling of images, channels last. A window may lie partly outside the image, by at most half its extent.

/// Largest element of each window. A: where it is, as row * W + column of X, the first of equals.
kernel max_pool2d<T: float>(in T X[N, H, W, C], out T Y[N, P, Q, C], out i32 A[N, P, Q, C], const int R, const int S,
    const int stride_h = 1, const int stride_w = 1, const int pad_h = 0, const int pad_w = 0)
    where R > 0, S > 0, stride_h > 0, stride_w > 0, 2 * pad_h <= R, 2 * pad_w <= S,
          P == (H + 2 * pad_h - R) / stride_h + 1, Q == (W + 2 * pad_w - S) / stride_w + 1
{
    grid (each n in N, p in P, q in Q, c in C) {
        axis v in R * S;
        let x = X[n, p * stride_h + v / S - pad_h, q * stride_w + v % S - pad_w, c] else -inf;
        let a = argmax(x, v);
        // Where all are -inf, the first position may be outside: the nearest one inside is in the window too.
        let h = clamp(p * stride_h + a / S - pad_h, 0, H - 1), w = clamp(q * stride_w + a % S - pad_w, 0, W - 1);
        Y[n, p, q, c] = max(x, v);
        A[n, p, q, c] = i32(h * W + w);
    }
}

/// dX of max_pool2d: what came from the windows whose largest element this was
kernel max_pool2d_bwd<T: float>(in T dY[N, P, Q, C], in i32 A[N, P, Q, C], out T dX[N, H, W, C], const int R, const int S,
    const int stride_h = 1, const int stride_w = 1, const int pad_h = 0, const int pad_w = 0)
    where R > 0, S > 0, stride_h > 0, stride_w > 0, 2 * pad_h <= R, 2 * pad_w <= S,
          P == (H + 2 * pad_h - R) / stride_h + 1, Q == (W + 2 * pad_w - S) / stride_w + 1
{
    grid (each n in N, each h in H, w in W, c in C) {
        // The windows over h start stride_h rows apart: window p0 - u has h as its row r0 + u * stride_h.
        let r0 = (h + pad_h) % stride_h, s0 = (w + pad_w) % stride_w, p0 = (h + pad_h) / stride_h, q0 = (w + pad_w) / stride_w;
        wide(T) acc[w, c] = 0;
        for (each u in ceil_div(R, stride_h)) for (each v in ceil_div(S, stride_w)) {
            let on = r0 + u * stride_h < R && s0 + v * stride_w < S;
            let a = A[n, p0 - u, q0 - v, c] else -1;
            acc += on && a == i32(h * W + w) ? widen(dY[n, p0 - u, q0 - v, c]) : 0;
        }
        dX[n, h, w, c] = T(acc);
    }
}

/// Elements that window p has in an image of n
fn inside(int p, int n, int window, int stride, int pad) -> int =
    min(p * stride - pad + window, n) - max(p * stride - pad, 0);

/// Mean of each window, over all its positions or, with `inner`, over those inside the image
kernel avg_pool2d<T: float>(in T X[N, H, W, C], out T Y[N, P, Q, C], const int R, const int S,
    const int stride_h = 1, const int stride_w = 1, const int pad_h = 0, const int pad_w = 0, const bool inner = false)
    where R > 0, S > 0, stride_h > 0, stride_w > 0, 2 * pad_h <= R, 2 * pad_w <= S,
          P == (H + 2 * pad_h - R) / stride_h + 1, Q == (W + 2 * pad_w - S) / stride_w + 1
{
    grid (each n in N, p in P, q in Q, c in C) {
        axis r in R, s in S;
        let total = sum(widen(X[n, p * stride_h + r - pad_h, q * stride_w + s - pad_w, c]), r, s);
        let count = inner ? inside(p, H, R, stride_h, pad_h) * inside(q, W, S, stride_w, pad_w) : R * S;
        Y[n, p, q, c] = T(total / wide(T)(count));
    }
}

/// dX of avg_pool2d
kernel avg_pool2d_bwd<T: float>(in T dY[N, P, Q, C], out T dX[N, H, W, C], const int R, const int S,
    const int stride_h = 1, const int stride_w = 1, const int pad_h = 0, const int pad_w = 0, const bool inner = false)
    where R > 0, S > 0, stride_h > 0, stride_w > 0, 2 * pad_h <= R, 2 * pad_w <= S,
          P == (H + 2 * pad_h - R) / stride_h + 1, Q == (W + 2 * pad_w - S) / stride_w + 1
{
    grid (each n in N, each h in H, w in W, c in C) {
        let r0 = (h + pad_h) % stride_h, s0 = (w + pad_w) % stride_w, p0 = (h + pad_h) / stride_h, q0 = (w + pad_w) / stride_w;
        wide(T) acc[w, c] = 0;
        for (each u in ceil_div(R, stride_h)) for (each v in ceil_div(S, stride_w)) {
            let on = r0 + u * stride_h < R && s0 + v * stride_w < S;
            let p = p0 - u, q = q0 - v;
            let count = inner ? inside(p, H, R, stride_h, pad_h) * inside(q, W, S, stride_w, pad_w) : 1;
            acc += on ? widen(dY[n, p, q, c]) / wide(T)(count) : 0;
        }
        dX[n, h, w, c] = T(inner ? acc : acc / wide(T)(R * S));
    }
}
