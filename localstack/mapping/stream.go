package mapping

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
)

const (
	pollInterval     = 250 * time.Millisecond // four reads a second, as Lambda's
	describeInterval = time.Second            // while a stream has no shard to read, or could not be described
	newShardInterval = 30 * time.Second       // while shards are read, and nobody tells of new ones
)

// StreamReader finds the shards of a stream, in the order in which they must be read: a shard once its parent is finished.
type StreamReader struct {
	config *Config
	stream *Stream
	arn    string
	shards map[string]*Shard // all that were seen; nil where there is nothing to read
	begun  bool
}

// OpenStream finds the stream of s.Table. It uses of c what a Runner uses of it; c's own lists are ignored.
func OpenStream(ctx context.Context, c Config, s Stream) (*StreamReader, error) {
	c.Mappings, c.Queues, c.Schedules = []Stream{s}, nil, nil
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	return openStream(ctx, &c, &c.Mappings[0])
}

func openStream(ctx context.Context, c *Config, s *Stream) (*StreamReader, error) {
	out, err := c.DynamoDB.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &s.Table})
	if err != nil {
		return nil, fmt.Errorf("mapping: %s: %w", s.Table, err)
	}
	if out.Table == nil || out.Table.LatestStreamArn == nil {
		return nil, fmt.Errorf("mapping: table %s has no stream", s.Table)
	}
	return &StreamReader{config: c, stream: s, arn: *out.Table.LatestStreamArn, shards: map[string]*Shard{}}, nil
}

// Shards describes the stream and returns the shards that can be read and were not returned before.
func (r *StreamReader) Shards(ctx context.Context) ([]*Shard, error) {
	var listed []types.Shard
	in := &dynamodbstreams.DescribeStreamInput{StreamArn: &r.arn}
	for {
		out, err := r.config.Streams.DescribeStream(ctx, in)
		if err != nil {
			return nil, fmt.Errorf("mapping: %s: %w", r.stream.Table, err)
		}
		listed = append(listed, out.StreamDescription.Shards...)
		if in.ExclusiveStartShardId = out.StreamDescription.LastEvaluatedShardId; in.ExclusiveStartShardId == nil {
			break
		}
	}
	return r.admit(listed), nil
}

// admit returns the shards of a description that are new and whose parent, if the stream still has it, is finished.
func (r *StreamReader) admit(listed []types.Shard) []*Shard {
	present := map[string]bool{}
	for _, l := range listed {
		present[*l.ShardId] = true
	}
	latest := r.stream.StartingPosition == Latest && !r.begun
	r.begun = true
	var fresh []*Shard
	for _, l := range listed {
		if _, seen := r.shards[*l.ShardId]; seen {
			continue
		}
		position := types.ShardIteratorTypeTrimHorizon
		if latest {
			if l.SequenceNumberRange != nil && l.SequenceNumberRange.EndingSequenceNumber != nil {
				r.shards[*l.ShardId] = nil
				continue
			}
			position = types.ShardIteratorTypeLatest
		}
		if p := l.ParentShardId; p != nil && present[*p] {
			if parent, seen := r.shards[*p]; !seen || parent != nil && !parent.finished.Load() {
				continue
			}
		}
		shard := newShard(r.config, r.stream, r.arn, *l.ShardId, position)
		r.shards[*l.ShardId] = shard
		fresh = append(fresh, shard)
	}
	return fresh
}
