// Ranks in sorted keys, a sort in shared memory, and merges beyond it. No key is NaN.

// How many of `size` sorted keys are below a value; with `or_equal`, not above it.
__device__ inline Count rank_of(const Wide* keys, Count size, Wide value, bool or_equal) {
    Count low = 0, high = size;
    while (low < high) {
        const Count middle = low + (high - low) / 2;
        if (keys[middle] < value || (or_equal && keys[middle] == value)) low = middle + 1;
        else high = middle;
    }
    return low;
}

// Sorts `size` keys in shared memory; `size` is a power of two.
__device__ inline void sort_near(Wide* keys, unsigned size) {
    for (unsigned width = 2; width <= size; width *= 2)
        for (unsigned stride = width / 2; stride > 0; stride /= 2) {
            for (unsigned pair = threadIdx.x; pair < size / 2; pair += blockDim.x) {
                const unsigned low = 2 * pair - (pair & (stride - 1)), high = low + stride;
                const Wide a = keys[low], b = keys[high];
                if ((a > b) == ((low & width) == 0) && a != b) {
                    keys[low] = b;
                    keys[high] = a;
                }
            }
            __syncthreads();
        }
}

// Merges sorted runs of `width` keys until one is left; says which of the two lists holds it.
__device__ inline Wide* merge_runs(Wide* from, Wide* to, Count size, Count width) {
    for (; width < size; width *= 2) {
        for (Count i = threadIdx.x; i < size; i += blockDim.x) {
            const Count start = i / (2 * width) * (2 * width);
            const Count middle = start + width < size ? start + width : size;
            const Count end = middle + width < size ? middle + width : size;
            const bool left = i < middle;
            const Count before = left ? rank_of(from + middle, end - middle, from[i], false)
                                      : rank_of(from + start, middle - start, from[i], true) - (middle - start);
            to[i + before] = from[i];
        }
        __syncthreads();
        Wide* const merged = to;
        to = from;
        from = merged;
    }
    return from;
}
