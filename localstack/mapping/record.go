package mapping

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
)

// Record is a stream record as a function sees it.
type Record struct {
	JSON           json.RawMessage // in the shape of Lambda's DynamoDB event
	SequenceNumber string
	Created        time.Time // approximately, in whole seconds
	key            string    // the item, for order where batches run concurrently
}

// The shapes of a record in Lambda's event. Field order is AWS's.
type eventRecord struct {
	EventID        string        `json:"eventID"`
	EventName      string        `json:"eventName"`
	EventVersion   string        `json:"eventVersion"`
	EventSource    string        `json:"eventSource"`
	AWSRegion      string        `json:"awsRegion"`
	UserIdentity   *userIdentity `json:"userIdentity,omitempty"`
	Change         eventChange   `json:"dynamodb"`
	EventSourceARN string        `json:"eventSourceARN"`
}

type userIdentity struct {
	Type        string `json:"type"`
	PrincipalID string `json:"principalId"`
}

type eventChange struct {
	ApproximateCreationDateTime int64                `json:"ApproximateCreationDateTime"`
	Keys                        map[string]attribute `json:"Keys,omitempty"`
	NewImage                    map[string]attribute `json:"NewImage,omitempty"`
	OldImage                    map[string]attribute `json:"OldImage,omitempty"`
	SequenceNumber              string               `json:"SequenceNumber"`
	SizeBytes                   int64                `json:"SizeBytes"`
	StreamViewType              string               `json:"StreamViewType"`
}

// attribute is an attribute value in DynamoDB's JSON: one key that names the type.
type attribute map[string]any

// newRecord turns a record of the Streams API into one of an event. streamARN is what the API does not say in it.
func newRecord(r types.Record, streamARN string) (Record, error) {
	if r.Dynamodb == nil || r.Dynamodb.SequenceNumber == nil {
		return Record{}, fmt.Errorf("mapping: a record of %s has no sequence number", streamARN)
	}
	d := r.Dynamodb
	created := aws.ToTime(d.ApproximateCreationDateTime)
	out := eventRecord{
		EventID: aws.ToString(r.EventID), EventName: string(r.EventName), EventVersion: aws.ToString(r.EventVersion),
		EventSource: aws.ToString(r.EventSource), AWSRegion: aws.ToString(r.AwsRegion), EventSourceARN: streamARN,
		Change: eventChange{
			ApproximateCreationDateTime: created.Unix(), SequenceNumber: *d.SequenceNumber, SizeBytes: aws.ToInt64(d.SizeBytes),
			StreamViewType: string(d.StreamViewType),
		},
	}
	if u := r.UserIdentity; u != nil {
		out.UserIdentity = &userIdentity{aws.ToString(u.Type), aws.ToString(u.PrincipalId)}
	}
	var err error
	if out.Change.Keys, err = image(d.Keys); err != nil {
		return Record{}, err
	}
	if out.Change.NewImage, err = image(d.NewImage); err != nil {
		return Record{}, err
	}
	if out.Change.OldImage, err = image(d.OldImage); err != nil {
		return Record{}, err
	}
	key, err := json.Marshal(out.Change.Keys)
	if err != nil {
		return Record{}, err
	}
	text, err := json.Marshal(out)
	if err != nil {
		return Record{}, err
	}
	return Record{JSON: text, SequenceNumber: *d.SequenceNumber, Created: created, key: string(key)}, nil
}

func image(in map[string]types.AttributeValue) (map[string]attribute, error) {
	if in == nil {
		return nil, nil
	}
	out := make(map[string]attribute, len(in))
	for name, v := range in {
		a, err := newAttribute(v)
		if err != nil {
			return nil, err
		}
		out[name] = a
	}
	return out, nil
}

func newAttribute(v types.AttributeValue) (attribute, error) {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return attribute{"S": v.Value}, nil
	case *types.AttributeValueMemberN:
		return attribute{"N": v.Value}, nil
	case *types.AttributeValueMemberB:
		return attribute{"B": v.Value}, nil // base64, as of all []byte
	case *types.AttributeValueMemberBOOL:
		return attribute{"BOOL": v.Value}, nil
	case *types.AttributeValueMemberNULL:
		return attribute{"NULL": v.Value}, nil
	case *types.AttributeValueMemberSS:
		return attribute{"SS": v.Value}, nil
	case *types.AttributeValueMemberNS:
		return attribute{"NS": v.Value}, nil
	case *types.AttributeValueMemberBS:
		return attribute{"BS": v.Value}, nil
	case *types.AttributeValueMemberM:
		m, err := image(v.Value)
		if m == nil {
			m = map[string]attribute{}
		}
		return attribute{"M": m}, err
	case *types.AttributeValueMemberL:
		list := make([]attribute, len(v.Value))
		for i, e := range v.Value {
			a, err := newAttribute(e)
			if err != nil {
				return nil, err
			}
			list[i] = a
		}
		return attribute{"L": list}, nil
	}
	return nil, fmt.Errorf("mapping: an attribute value of type %T", v)
}
