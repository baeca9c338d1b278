/* The table of lanes and ranks, one entry a frame type. Types that no peer sends are carried last. */
#include "replica/lane.h"

static const struct {
    enum lane lane;
    enum rank rank;
} places[FRAME_TYPE_LIMIT] = {
    [FRAME_STATUS] = {LANE_VOTES, RANK_STATUS},
    [FRAME_WISH] = {LANE_VOTES, RANK_VIEW},
    [FRAME_RECALL] = {LANE_VOTES, RANK_VIEW},
    [FRAME_RECALLED] = {LANE_VOTES, RANK_VIEW},
    [FRAME_VIEW_CHANGE] = {LANE_BULK, RANK_VIEW},
    [FRAME_NEW_VIEW] = {LANE_BULK, RANK_VIEW},
    [FRAME_COMMIT] = {LANE_VOTES, RANK_COMMIT},
    [FRAME_PREPARE] = {LANE_VOTES, RANK_PREPARE},
    [FRAME_PRE_PREPARE] = {LANE_DATA, RANK_PRE_PREPARE},
    [FRAME_FETCH] = {LANE_DATA, RANK_PRE_PREPARE},
    [FRAME_DATA] = {LANE_DATA, RANK_PRE_PREPARE},
    [FRAME_CHECKPOINT] = {LANE_VOTES, RANK_CHECKPOINT},
    [FRAME_RECEIPT] = {LANE_VOTES, RANK_CHECKPOINT},
    [FRAME_FETCH_CERT] = {LANE_VOTES, RANK_CHECKPOINT},
    [FRAME_CERT] = {LANE_BULK, RANK_CHECKPOINT},
    [FRAME_RELAY] = {LANE_DATA, RANK_RELAY},
    [FRAME_REQUEST] = {LANE_DATA, RANK_RELAY},
    [FRAME_FETCH_DECISION] = {LANE_VOTES, RANK_BULK},
    [FRAME_DECISION] = {LANE_BULK, RANK_BULK},
    [FRAME_ST_FETCH] = {LANE_BULK, RANK_BULK},
    [FRAME_ST_DATA] = {LANE_BULK, RANK_BULK},
    [FRAME_FETCH_ALERTS] = {LANE_BULK, RANK_BULK},
    [FRAME_FETCH_STATUS] = {LANE_BULK, RANK_BULK},
    [FRAME_OUTPUTS] = {LANE_BULK, RANK_BULK},
    [FRAME_REFUSAL] = {LANE_BULK, RANK_BULK},
};

enum lane lane_of(enum frame_type type) {
    return (unsigned)type < FRAME_TYPE_LIMIT ? places[type].lane : LANE_BULK;
}

enum rank rank_of(enum frame_type type) {
    return (unsigned)type < FRAME_TYPE_LIMIT ? places[type].rank : RANK_BULK;
}
